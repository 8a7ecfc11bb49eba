//! Japanese.

use super::{ProblemTexts, minutes};
use shared::{ProblemKind, RefusalCode};

const NOT_TOGETHER: &str = "サービスがこの画面の操作を受け付けませんでした。サービスが更新された可能性があります。画面を再読み込みして、もう一度お試しください。";

pub(in crate::i18n) const TEXTS: ProblemTexts = ProblemTexts {
    wrong_sign_in: "メールアドレスまたはパスワードが正しくありません。",
    too_many: |seconds| match minutes(seconds) {
        Some(minutes) => format!("試行回数が多すぎます。{minutes} 分ほど待ってから、もう一度お試しください。"),
        None => format!("試行回数が多すぎます。{seconds} 秒ほど待ってから、もう一度お試しください。"),
    },
    kind: |kind| match kind {
        ProblemKind::Unauthorized => "セッションが終了しました。もう一度サインインしてください。",
        ProblemKind::Forbidden => "この操作を行う権限がありません。アカウントの管理者に依頼してください。",
        ProblemKind::NotInPlan => {
            "ご契約のプランではこの操作を利用できません。プランの変更についてはサービス提供者にお問い合わせください。"
        }
        ProblemKind::AccountSuspended => "このアカウントは利用停止中です。サービス提供者にお問い合わせください。",
        ProblemKind::DownloadsDisabled => {
            "このアカウントではダウンロードを利用できません。利用するには、サービス提供者にお問い合わせください。"
        }
        ProblemKind::NotFound | ProblemKind::Gone => "対象が見つかりません。削除された可能性があります。",
        ProblemKind::MethodNotAllowed
        | ProblemKind::Malformed
        | ProblemKind::UnsupportedMediaType
        | ProblemKind::PreconditionRequired
        | ProblemKind::TusVersion => NOT_TOGETHER,
        ProblemKind::Validation => "入力内容に誤りがあります。",
        ProblemKind::Conflict => "現在の状態ではこの操作を行えません。",
        ProblemKind::PreconditionFailed => {
            "ほかのユーザーが先に変更したため、保存されていません。変更後の内容を確認してから、もう一度変更してください。"
        }
        ProblemKind::TooLarge => "サイズが大きすぎます。",
        ProblemKind::TooManyRequests => "試行回数が多すぎます。しばらく待ってから、もう一度お試しください。",
        ProblemKind::TooSlow => "接続が遅いため、送信が時間内に完了しませんでした。もう一度お試しください。",
        ProblemKind::Unavailable => {
            "サービスのデータベースが応答しません。しばらく待ってから、もう一度お試しください。"
        }
        ProblemKind::StorageFull => {
            "サービスのディスクに空きがないため、変更されていません。サービスの運営者に空き容量の確保を依頼してください。"
        }
        ProblemKind::ChecksumMismatch => "ファイルの一部が破損して届いたため、破棄されました。もう一度お試しください。",
        ProblemKind::Internal => {
            "サービスの内部でエラーが発生しました。もう一度お試しください。解決しない場合は、サービスの運営者に連絡してください。"
        }
    },
    refusal: |code| match code {
        RefusalCode::Missing => "入力してください。",
        RefusalCode::UnknownField | RefusalCode::WrongType => NOT_TOGETHER,
        RefusalCode::NotAccepted => "この値は使えません。",
        RefusalCode::TooShort => "{limit} 文字以上で入力してください。",
        RefusalCode::TooLong => "{limit} 文字以内で入力してください。",
        RefusalCode::TooSmall => "{limit} 以上の数値を入力してください。",
        RefusalCode::TooLarge => "{limit} 以下の数値を入力してください。",
        RefusalCode::ControlCharacters => "改行や制御文字を含めずに入力してください。",
        RefusalCode::NotAnAddress => "メールアドレスではありません。",
        RefusalCode::NotADomain => "ドメインではありません。example.com のように入力してください。",
        RefusalCode::NotATimeZone => "タイムゾーンが見つかりません。Asia/Tokyo のように入力してください。",
        RefusalCode::InThePast => "現在より後の日時を選択してください。",
        RefusalCode::NotFound => "対象が見つかりません。削除された可能性があります。",
        RefusalCode::NotReady => "まだ準備ができていません。しばらく待ってから、もう一度お試しください。",
        RefusalCode::NotTogether => "両方は指定できません。どちらか一方を指定してください。",
        RefusalCode::WrongPosition => "リストが変わりました。最初のページからやり直してください。",
        RefusalCode::WrongPassword => "現在のパスワードが正しくありません。",
        RefusalCode::WrongCode => {
            "コードが正しくないか、すでに使用されています。次のコードが表示されるまでお待ちください。"
        }
        RefusalCode::CodeMissing => "認証アプリのコードまたは回復コードも入力してください。",
        RefusalCode::WrongSetUpCode => "サービスの起動時に表示された初期設定コードではありません。",
        RefusalCode::WrongName => "アカウント名が一致しません。",
        RefusalCode::PasswordGuessable => {
            "このパスワードは推測されやすいため使えません。関連のない単語をいくつか組み合わせてください。"
        }
        RefusalCode::PasswordPersonal => {
            "メールアドレスやサービス名をもとにしたパスワードは使えません。別のパスワードを入力してください。"
        }
        RefusalCode::NameTaken => "この名前はすでに使われています。別の名前を入力してください。",
        RefusalCode::AddressTaken => "このアドレスのユーザーはすでに存在します。",
        RefusalCode::InvitedAlready => "このアドレスはすでに招待されています。招待のリンクを再発行してください。",
        RefusalCode::LastManager => {
            "ユーザーを管理できる人がいなくなります。先に、ほかのユーザーが管理できるようにしてください。"
        }
        RefusalCode::OwnUser => "自分の設定は、「設定」の「マイアカウント」で変更してください。",
        RefusalCode::InactiveUser => "このユーザーは無効になっています。先に有効にしてください。",
        RefusalCode::LinkUsed => "このリンクは使用済みです。サインインするか、新しいリンクを依頼してください。",
        RefusalCode::LinkExpired => "このリンクは期限切れか、取り消されています。新しいリンクを依頼してください。",
        RefusalCode::TooLate => "時間切れです。もう一度サインインしてください。",
        RefusalCode::NotSuspended => "先にアカウントの利用を停止してください。",
        RefusalCode::NoMail => "このサービスはメールを送信しません。",
        RefusalCode::TooMany => "これ以上は追加できません。先にいくつか完了、終了、または削除してください。",
        RefusalCode::InProgress => "別の処理が進行中です。完了するまでお待ちください。",
        RefusalCode::BeingReleased => "これらのアドレスはすでに解除中です。",
        RefusalCode::DoneAlready => "すでに完了しています。",
    },
};
