//! Japanese.

use super::HistoryTexts;
use shared::address_history::Holding;

pub(in crate::i18n) const TEXTS: HistoryTexts = HistoryTexts {
    no_address: "アドレスが指定されていません",
    no_address_text: "配信停止リスト、停止解除リスト、ログのアドレスを選択すると、その履歴が表示されます。",
    nothing: "このアドレスの記録はありません",
    nothing_text: "このサーバー構成では、エラーも停止もなく、どちらのリストにもありません。",
    not_blocked: "停止していません",
    counts: "現在カウント中のエラー",
    none: "なし",
    on_servers: "メールサーバーの状況",
    no_servers: "このサーバー構成にはまだメールサーバーがありません。",
    since: "開始:",
    what_happened: "履歴",
    error: "送信エラー",
    uncounted: "カウント対象外",
    blocked: "配信停止",
    exempted: "停止解除リストに登録",
    exemption_ended: "停止解除リストから削除",
    reported_by: "報告元:",
    by: "操作者:",
    by_run: "実行による",
    by_operation: "一括処理:",
    takes_effect: "次回の配布で適用されます。",
    nowhere: "適用を確認したメールサーバーはまだありません",
    not_distributed: "次回の配布でメールサーバーに反映されます",
    opens: |address| format!("{address} の履歴"),
    why: |when, reason, held| format!("{when} から「{reason}」のため配信停止中で、{held}。"),
    why_pending: |when, reason, held| format!("「{reason}」のため停止されます（{when} に登録）。{held}。"),
    why_releasing: |cause, held| format!("停止を終了しています（{cause}）。すべて確認されるまでは、{held}。"),
    why_exempt: |when, reason| {
        format!("停止していません。{when} に解除され、「{reason}」などのエラーでは停止されません。")
    },
    why_not: |counts| format!("停止していません。現在カウント中のエラー: {counts}。"),
    held_by: |names, held, all, since| {
        let servers = match (held, all) {
            (1, 1) => format!("メールサーバー {names} "),
            (_, _) if held == all => format!("すべてのメールサーバー（{names}）"),
            _ => format!("{all} 台中 {held} 台のメールサーバー（{names}）"),
        };
        format!("{since} から{servers}に適用されています")
    },
    in_version: |version, when| format!("バージョン {version}（{when} 公開）で適用。"),
    holding: |holding| match holding {
        Holding::Held => "停止中",
        Holding::NotHeld => "送信可",
        Holding::Unknown => "不明",
    },
};
