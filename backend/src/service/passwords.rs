//! Which passwords can be chosen (NIST SP 800-63B-4 section 3.1.1.2), and changing one's own.
//!
//! Length alone counts: no kinds of characters are asked for and nothing expires. What is refused is what guessers try
//! first: passwords from a list, repetitions and runs, and what is known of the user and the service.

use super::{
    Actor, Error, Result,
    authentication::Identity,
    devices,
    mails::{self, Letter},
    second_factors::{self, Verdict},
};
use crate::{
    state::AppState,
    store::{self, ConnectionTrait, users::User},
};
use shared::{
    Address, FieldProblem, RefusalCode,
    session::{MAX_PASSWORD, MIN_PASSWORD},
    user::PasswordChange,
};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// Common passwords of 15 characters and more, in lower case: those of the lists in Django (BSD-3-Clause), zxcvbn and
/// zxcvbn-ts (MIT), made of leaked ones, and long ones that are often proposed. Shorter ones cannot be chosen anyway.
const COMMON: &str = include_str!("passwords/common.txt");
/// What guessers run along: keyboards and counting.
const RUNS: [&str; 6] =
    ["abcdefghijklmnopqrstuvwxyz", "01234567890", "1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"];
/// The service's name.
const SERVICE: &str = "stoplist";
/// So many characters must be left of a password without the names of user and service.
const MIN_OWN: usize = 8;

/// A password as it is hashed and compared: the same characters typed in another way, full-width on a Japanese keyboard
/// for example, are the same password (NFKC, Unicode Standard Annex 15).
pub fn normalised(password: &str) -> String {
    password.nfkc().collect()
}

/// Checks a password that a user with this address chose.
///
/// # Errors
/// [`Error::Invalid`] says at `pointer` what to do.
pub fn check(password: &str, email: &Address, pointer: &str) -> Result<()> {
    let password = normalised(password).to_lowercase();
    let characters: Vec<char> = password.chars().collect();
    let problem = |code, detail: &str| FieldProblem::new(pointer, code, detail);
    let refused = if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&characters.len()) {
        let detail = format!("the password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters");
        let (code, limit) = if characters.len() < MIN_PASSWORD {
            (RefusalCode::TooShort, MIN_PASSWORD)
        } else {
            (RefusalCode::TooLong, MAX_PASSWORD)
        };
        FieldProblem { limit: Some(limit as u64), ..problem(code, &detail) }
    } else if COMMON.lines().any(|common| common == password) || is_monotonous(&characters) {
        problem(
            RefusalCode::PasswordGuessable,
            "this password is among the first that are guessed: choose some words that do not belong together",
        )
    } else if is_known(&password, email) {
        problem(
            RefusalCode::PasswordPersonal,
            "a password must not be made of your address or the service's name: choose another one",
        )
    } else {
        return Ok(());
    };
    Err(Error::Invalid(vec![refused]))
}

/// Whether the characters repeat themselves, or mostly run along the alphabet or a keyboard.
fn is_monotonous(characters: &[char]) -> bool {
    let length = characters.len();
    let repeats = |period: usize| characters.iter().zip(&characters[period..]).all(|(a, b)| a == b);
    if (1..=length / 2).any(repeats) {
        return true;
    }
    let runs_on = |pair: &[char]| {
        let (forth, back) = (String::from_iter(pair), String::from_iter(pair.iter().rev()));
        pair[0] == pair[1] || RUNS.iter().any(|run| run.contains(&forth) || run.contains(&back))
    };
    characters.windows(2).filter(|pair| !runs_on(pair)).count() <= length / 4
}

/// Whether little is left without what is known of the user and the service.
fn is_known(password: &str, email: &Address) -> bool {
    let address = email.spelling().to_lowercase();
    let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
    let name = domain.split('.').max_by_key(|label| label.len()).unwrap_or_default();
    let mut rest = password.to_owned();
    for known in [address.as_str(), local, domain, name, SERVICE] {
        // Shorter ones are in many words by chance.
        if known.chars().count() >= 4 {
            rest = rest.replace(known, "");
        }
    }
    rest.chars().count() < MIN_OWN
}

/// Writes a user's new password: every session but for one ends, and so do links that would set another. Wrong codes of
/// the second factor go on counting: whoever reads the user's mail can have a new password as often as they like.
///
/// # Errors
/// The database refused.
pub(super) async fn set(
    tx: &impl ConnectionTrait,
    user_id: Uuid,
    password_hash: &str,
    but: Option<Uuid>,
) -> Result<()> {
    store::users::set_password(tx, user_id, password_hash).await?;
    store::sessions::delete_all(tx, user_id, but).await?;
    Ok(store::password_resets::remove_unused(tx, user_id).await?)
}

/// Changes one's own password; every other session ends. Answers by what the browser is known from now on.
///
/// # Errors
/// [`Error::Invalid`]: the present password or the code of the second factor is wrong, or the new password cannot be used.
/// [`Error::TooMany`]: wrong too often.
pub async fn change(state: &AppState, identity: &Identity, request: PasswordChange) -> Result<String> {
    let (user, session_id) = prove(state, identity, request.present_password, "/present_password").await?;
    let email = super::users::email(&user.email, "/email")?;
    check(&request.new_password, &email, "/new_password")?;
    let password_hash = state.keys.hash(&identity.origin.network(), request.new_password).await?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    still_proven(&tx, &user, "/present_password").await?;
    if second_factors::is_enabled(&tx, user.id).await? {
        let code = request
            .code
            .ok_or_else(|| Error::field("/code", RefusalCode::CodeMissing, "send a code of your second factor, too"))?;
        let attempt = second_factors::attempt_from(state, user.id, &session_id.to_string(), now)?;
        if second_factors::verify(state, &tx, user.id, &code, now).await? == Verdict::Wrong {
            tx.commit().await?;
            return Err(second_factors::wrong(attempt));
        }
        attempt.right();
    }
    set(&tx, user.id, &password_hash, Some(session_id)).await?;
    let entry = identity.audit(user.account_id, now, "password.change", user.id.to_string());
    tx.audit(super::users::about(&user, entry));
    mails::post(state, &tx, &user.email, &Letter::PasswordChanged).await?;
    mails::commit(state, tx).await?;
    devices::issue(state, user.id, &password_hash, now)
}

/// Checks once more that the person in a session is who signed in, and answers the user and the session. Wrong passwords
/// count for this session only: who has stolen it can lock nobody out elsewhere.
///
/// # Errors
/// [`Error::Invalid`]: a wrong password. [`Error::TooMany`]: wrong too often.
pub(super) async fn prove(
    state: &AppState,
    identity: &Identity,
    password: String,
    pointer: &str,
) -> Result<(User, Uuid)> {
    let Actor::User { id, session_id, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let now = state.clock.now();
    let (who, session) = (id.to_string(), session_id.to_string());
    let attempt = state.attempts.begin(&who, &session, now)?;
    let user = store::users::find(state.db.connection(), id).await?.ok_or(Error::Unauthorized)?;
    if !state.keys.verify(&identity.origin.network(), password, Some(user.password_hash.clone())).await? {
        attempt.wrong();
        return Err(wrong(pointer));
    }
    attempt.right();
    Ok((user, session_id))
}

/// Holds a user whose password was proven, unless it was changed meanwhile.
///
/// # Errors
/// [`Error::Invalid`]: it is another one now.
pub(super) async fn still_proven(tx: &impl ConnectionTrait, user: &User, pointer: &str) -> Result<()> {
    let now = store::users::lock(tx, user.id).await?;
    now.filter(|now| now.active && now.password_hash == user.password_hash).map(|_| ()).ok_or_else(|| wrong(pointer))
}

fn wrong(pointer: &str) -> Error {
    Error::field(pointer, RefusalCode::WrongPassword, "this is not your present password")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(password: &str) -> Option<String> {
        let email = Address::parse("taro.yamada@example-mail.co.jp").unwrap();
        match check(password, &email, "/password") {
            Ok(()) => None,
            Err(Error::Invalid(problems)) => Some(problems[0].detail.clone()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn long_ones_of_any_characters_can_be_chosen() {
        for good in [
            "correct horse battery staple",
            "an administrator's password",
            "すいか の たね を まく にわ で うたう",
            "7391 2204 1187 9034",
            "a😀b😀c😀d😀e😀f😀g😀h😀",
            "XKQ7-M2PD-9RTA-4ZHW",
            "my stoplist is not a shopping list",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
        let longest: String = (0..).flat_map(|n| format!("{n} ").chars().collect::<Vec<_>>()).take(256).collect();
        assert_eq!(refusal(&longest), None, "256 characters");
    }

    #[test]
    fn the_length_is_that_of_characters() {
        let too_short =
            |password: &str| refusal(password).is_some_and(|detail| detail.contains("15 to 256 characters"));
        assert!(too_short("fourteen chars"));
        assert!(too_short("すいかのたねをまくにわ"));
        assert!(too_short(&"ab ".repeat(86)));
        // Eight characters that only look like more.
        assert!(too_short("e\u{301}a\u{301}o\u{301}u\u{301}i\u{301}n\u{303}e\u{301}a\u{301}"));
    }

    #[test]
    fn what_is_guessed_first_cannot_be_chosen() {
        for common in [
            "manchesterunited",
            "ManchesterUnited",
            "ＭanchesterＵnited",
            "correcthorsebatterystaple",
            "aaaaaaaaaaaaaaaa",
            "passwordpassword",
            "tanaka7tanaka7tanaka7ta",
            "12345678901234567890",
            "abcdefghijklmnopq",
            "qwertyuiopasdfghjkl",
            "poiuytrewq0987654321",
        ] {
            assert!(refusal(common).is_some_and(|detail| detail.contains("first that are guessed")), "{common}");
        }
    }

    #[test]
    fn what_is_known_cannot_be_chosen() {
        for known in [
            "taro.yamada@example-mail.co.jp",
            "Taro.Yamada@example-mail.co.jp2026",
            "stoplist-stoplist!2026",
            "taro.yamadataro.yamada1",
            "example-mail stoplist",
        ] {
            assert!(refusal(known).is_some(), "{known}");
        }
    }

    #[test]
    fn the_list_holds_what_it_is_asked_for() {
        for common in COMMON.lines() {
            assert_eq!(normalised(common).to_lowercase(), common, "it would never be found");
            assert!(common.chars().count() >= MIN_PASSWORD, "{common} is too short anyway");
        }
    }

    #[test]
    fn a_password_is_the_same_however_it_is_typed() {
        assert_eq!(normalised("ｐａｓｓ　１２"), "pass 12");
        assert_eq!(normalised("cafe\u{301}"), normalised("caf\u{e9}"));
    }
}
