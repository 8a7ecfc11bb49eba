//! Japanese.

use super::TokenTexts;
use shared::session::Scope;

pub(in crate::i18n) const TEXTS: TokenTexts = TokenTexts {
    tokens: "トークン",
    tokens_text: "スクリプトが API を使うためのトークンです。期限が切れるか失効させるまで、許可した操作だけに使えます。",
    empty: "トークンはまだありません",
    new: "トークンを作成",
    name: "名前",
    name_hint: "使う場所がわかる名前（例:「CRM 連携」）。",
    scopes: "許可する操作",
    expires: "有効期限",
    never: "無期限",
    once: "このトークンは今だけ表示されます。閉じる前にコピーしてください。",
    next: "すべてのリクエストに Authorization: Bearer … ヘッダーとして付けてください。",
    limit: "一部のサーバー構成だけに使う",
    limit_hint: "選択しない場合は、すべてのサーバー構成と、お問い合わせや監査ログなどアカウント全体に関わるものに使えます。",
    revoke: "失効させる",
    revoke_title: "トークンの失効",
    revoke_text: "このトークンを使う処理は、ただちに拒否されます。元には戻せません。",
    revoke_agent_text: "このメールサーバーのエージェントは、ただちに拒否されます。保持しているリストの適用は続きますが、変更は届かず、エラーも報告されません。元には戻せませんが、メールサーバーのトークンは再発行できます。",
    revoked: "トークンを失効させました。",
    until: |when| format!("{when} まで有効です。"),
    only: |names| format!("対象: {names}"),
    revoke_question: |name| format!("「{name}」を失効させますか？"),
    lifetime: |days| match days {
        7 => "7 日後",
        30 => "30 日後",
        90 => "90 日後",
        _ => "1 年後",
    },
    scope: |scope| match scope {
        Scope::Read => "閲覧",
        Scope::Events => "イベントの報告",
        Scope::Lists => "リストの変更",
        Scope::Manage => "管理",
        Scope::Agent => "メールサーバーのエージェント",
    },
    scope_hint: |scope| match scope {
        Scope::Read => "リスト、ログ、設定、お問い合わせなど、アカウントのすべてを閲覧します。",
        Scope::Events => "配信結果と送信エラーを報告します。",
        Scope::Lists => "アドレスの停止と解除、アップロード、停止解除リストからの削除を行います。",
        Scope::Manage => {
            "実行設定とメールサーバーの変更、実行の開始を行います。このトークンで接続したメールサーバーは、トークンの失効後もリストを受け取ります。"
        }
        Scope::Agent => "メールサーバーのリストを取得し、エラーを報告します。",
    },
};
