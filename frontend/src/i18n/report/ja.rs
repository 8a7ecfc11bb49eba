//! Japanese.

use super::ReportTexts;
use crate::i18n::number::grouped;

pub(in crate::i18n) const TEXTS: ReportTexts = ReportTexts {
    overview: "概要",
    range: "期間",
    days_7: "7 日間",
    days_30: "30 日間",
    days_90: "90 日間",
    nothing: "この期間のデータはありません",
    nothing_text: "メールサーバーが配信結果を報告するか、アドレスが停止されると、ここにグラフが表示されます。",
    delivered: "配信済み",
    errors: "エラー",
    error_rate: "エラー率",
    on_list: "配信停止中のアドレス",
    errors_by_reason: "エラー理由別の件数",
    no_errors: "この期間にエラーはありません。",
    growth: "配信停止リストの件数",
    changes: "1 日ごとの停止と解除",
    blocked: "停止",
    released: "解除",
    cancelled: "その他の停止終了",
    no_changes: "この期間に停止も解除もありません。",
    domains: "エラーの多いドメイン",
    domains_text: "選択すると、そのドメインのエラーログを表示します。",
    show_table: "表で表示",
    day: "日付",
    choose: "日付にポインターを合わせるか、矢印キーで選択してください。",
    zone: |zone| format!("日付は {zone} のものです。今日の分はまだ途中です。"),
    errors_of: |domain, count| format!("{domain}: エラー {} 件", grouped(count)),
};
