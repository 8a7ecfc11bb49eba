//! Japanese.

use super::ClosingTexts;

pub(in crate::i18n) const TEXTS: ClosingTexts = ClosingTexts {
    unknown: "アカウントが見つかりません",
    unknown_text: "存在しないか、すでに閉鎖されています。",
    export: "すべてエクスポート（ZIP）",
    export_title: "エクスポート",
    export_text: "設定、ユーザー、トークン（秘密の値を除く）、お問い合わせ、監査ログと、サーバー構成ごとの設定、2 つのリスト、ログの CSV ファイルです。",
    close: "アカウントを閉鎖…",
    close_title: "アカウントの閉鎖",
    close_text: "アカウントを永久に終了し、そのデータを削除します。閉鎖できるのは利用停止中のアカウントだけです。",
    suspend_first: "先に利用を停止してください",
    suspend_first_text: "利用を停止するとデータが変わらなくなり、すべてをエクスポートできます。利用停止は元に戻せますが、閉鎖は取り消せません。",
    suspend: "利用を停止する",
    for_ever: "この操作は取り消せません",
    sign_in: "今後は誰もサインインできず、トークンも使えなくなります。アカウント名は別のアカウントに使えるようになります。",
    agents: "メールサーバーは保持しているアドレスへの送信を拒否し続けますが、今後エージェントはサービスに接続できません。拒否を終えるには、Postfix の設定からエージェントを外してください。",
    removal: "ユーザー、リスト、ログ、アップロード、お問い合わせは、10 分以内に始まる処理で順次削除されます。",
    audit_log: "監査ログは証跡として、サービスのデータベースにのみ残ります。",
    export_first: "今後必要になるデータは、先にエクスポートしてください。",
    confirm: "永久に閉鎖する",
    question: |name| format!("「{name}」を永久に閉鎖しますか？"),
    type_name: |name| format!("確認のためアカウント名を入力してください: {name}"),
    closed: |name| format!("「{name}」を閉鎖しました。データは順次削除されます。"),
};
