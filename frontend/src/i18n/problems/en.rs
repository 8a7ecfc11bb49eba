//! English.

use super::{ProblemTexts, minutes};
use shared::{ProblemKind, RefusalCode};

const NOT_TOGETHER: &str =
    "The service does not understand this page: it may have been renewed. Load the page anew and try again.";

pub(in crate::i18n) const TEXTS: ProblemTexts = ProblemTexts {
    wrong_sign_in: "The e-mail address or the password is not right.",
    too_many: |seconds| match minutes(seconds) {
        Some(minutes) => format!("Too many tries. Wait {minutes} minutes, then try again."),
        None if seconds == 1 => "Too many tries. Wait one second, then try again.".to_owned(),
        None => format!("Too many tries. Wait {seconds} seconds, then try again."),
    },
    kind: |kind| match kind {
        ProblemKind::Unauthorized => "Your session has ended. Sign in again.",
        ProblemKind::Forbidden => "You may not do this. Ask an administrator of your account.",
        ProblemKind::NotInPlan => {
            "Your account's plan does not include this. Ask your provider for a plan that includes more."
        }
        ProblemKind::AccountSuspended => "This account is suspended. Send an inquiry to your provider.",
        ProblemKind::DownloadsDisabled => {
            "Downloads are not enabled for this account. Send an inquiry to your provider to ask for them."
        }
        ProblemKind::NotFound | ProblemKind::Gone => "This is not there any more.",
        ProblemKind::MethodNotAllowed
        | ProblemKind::Malformed
        | ProblemKind::UnsupportedMediaType
        | ProblemKind::PreconditionRequired
        | ProblemKind::TusVersion => NOT_TOGETHER,
        ProblemKind::Validation => "Something that you entered is not possible.",
        ProblemKind::Conflict => "This is not possible at present.",
        ProblemKind::PreconditionFailed => {
            "Somebody else changed this meanwhile. Nothing of yours has been saved: look at their change, then make yours again."
        }
        ProblemKind::TooLarge => "This is too large for the service.",
        ProblemKind::TooManyRequests => "Too many tries. Wait a moment, then try again.",
        ProblemKind::TooSlow => "The connection is too slow: what you sent did not arrive in time. Try again.",
        ProblemKind::Unavailable => "The service's database does not answer. Try again in a moment.",
        ProblemKind::StorageFull => {
            "The service's disk is full. Nothing was changed: whoever runs the service must make room."
        }
        ProblemKind::ChecksumMismatch => "A part of the file arrived damaged and was not kept. Try again.",
        ProblemKind::Internal => "Something failed inside the service. Try again; if it goes on, tell whoever runs it.",
    },
    refusal: |code| match code {
        RefusalCode::Missing => "Fill this in.",
        RefusalCode::UnknownField | RefusalCode::WrongType => NOT_TOGETHER,
        RefusalCode::NotAccepted => "This is not possible here.",
        RefusalCode::TooShort => "Use at least {limit} characters.",
        RefusalCode::TooLong => "Use at most {limit} characters.",
        RefusalCode::TooSmall => "Enter a number of at least {limit}.",
        RefusalCode::TooLarge => "Enter a number of at most {limit}.",
        RefusalCode::ControlCharacters => "Write it in one line, without control characters.",
        RefusalCode::NotAnAddress => "This is not a mail address.",
        RefusalCode::NotADomain => "This is not a domain, such as example.com.",
        RefusalCode::NotATimeZone => "This time zone is not known. Write it like Asia/Tokyo or Europe/Berlin.",
        RefusalCode::InThePast => "Choose a time in the future.",
        RefusalCode::NotFound => "This is not there any more.",
        RefusalCode::NotReady => "This is not ready. Wait a moment, then try again.",
        RefusalCode::NotTogether => "Choose one or the other, not both.",
        RefusalCode::WrongPosition => "The list has changed. Begin again at its first page.",
        RefusalCode::WrongPassword => "This is not your present password.",
        RefusalCode::WrongCode => "This code is not right, or was used already. Wait for the next one.",
        RefusalCode::CodeMissing => "Enter a code of your authenticator app, too, or a recovery code.",
        RefusalCode::WrongSetUpCode => "This is not the set-up code that the service printed when it started.",
        RefusalCode::WrongName => "This is not the account's name.",
        RefusalCode::PasswordGuessable => {
            "This password is among the first that are guessed. Choose some words that do not belong together."
        }
        RefusalCode::PasswordPersonal => {
            "A password must not be made of your address or the service's name. Choose another one."
        }
        RefusalCode::NameTaken => "This name is taken. Choose another one.",
        RefusalCode::AddressTaken => "This address belongs to a user already.",
        RefusalCode::InvitedAlready => "This address was invited already. Renew that invitation.",
        RefusalCode::LastManager => "Nobody else could manage users then. Let somebody else do that first.",
        RefusalCode::OwnUser => "Change this for yourself under Settings, My account.",
        RefusalCode::InactiveUser => "This user may not sign in. Activate them first.",
        RefusalCode::LinkUsed => "This link was used already. Sign in, or ask for a new one.",
        RefusalCode::LinkExpired => "This link has expired or was taken back. Ask for a new one.",
        RefusalCode::TooLate => "This took too long. Sign in again.",
        RefusalCode::NotSuspended => "Suspend the account first.",
        RefusalCode::NoMail => "This service sends no mail.",
        RefusalCode::TooMany => "There are as many as there can be. Finish, close or remove some first.",
        RefusalCode::InProgress => "Something else is working on this. Wait until it is done.",
        RefusalCode::BeingReleased => "These addresses are being released already.",
        RefusalCode::DoneAlready => "This was done already.",
    },
};
