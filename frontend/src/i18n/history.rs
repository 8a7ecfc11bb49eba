//! The words of an address's history.

pub(super) mod en;
pub(super) mod ja;

use shared::address_history::Holding;

texts! {
    /// The words of an address's history.
    HistoryTexts
    words {
        no_address no_address_text nothing nothing_text not_blocked
        counts none on_servers no_servers since what_happened
        error uncounted blocked exempted exemption_ended
        reported_by by by_run by_operation takes_effect
        nowhere not_distributed
    }
    sentences {
        opens(&str);
        why(&str, &str, &str);
        why_pending(&str, &str, &str);
        why_releasing(&str, &str);
        why_exempt(&str, &str);
        why_not(&str);
        held_by(&str, usize, usize, &str);
        in_version(i64, &str);
    }
    names {
        holding(Holding);
    }
    parts {}
}
