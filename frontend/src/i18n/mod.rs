//! The console's words: one struct, one value of it for each language, so that the compiler lists what is missing.

mod en;
mod ja;
pub mod number;
pub mod zone;

use shared::{
    Reason,
    account::Plan,
    delivery_event::Outcome,
    list::{BlockState, Origin, RemovalCause},
    mail_server::MailServerState,
    run::{DistributionKind, DistributionState, FailureCause},
};

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// The language's name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

    /// The language for a BCP 47 tag, `ja-JP` for example.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its words.
    pub const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::Japanese => &ja::TEXTS,
        }
    }
}

/// Defines a struct of texts: fixed words first, then sentences made of values, then what each value of a type is called.
macro_rules! texts {
    (
        $(#[$about:meta])* $name:ident
        words { $($word:ident)* }
        sentences { $($sentence:ident ( $($argument:ty),* );)* }
        names { $($named:ident ( $of:ty );)* }
        parts { $($part:ident : $texts:ty;)* }
    ) => {
        $(#[$about])*
        pub struct $name {
            $(pub(crate) $word: &'static str,)*
            $(pub(crate) $sentence: fn($($argument),*) -> String,)*
            $(pub(crate) $named: fn($of) -> &'static str,)*
            $(pub(crate) $part: $texts,)*
        }
    };
}

mod audit;
mod closing;
mod history;
mod inquiries;
mod people;
mod problems;
mod report;
mod suspension;
mod tokens;
mod uploads;

texts! {
    /// Every text of the console in one language.
    Texts
    words {
        skip_to_content sign_in sign_in_title sign_out email password signing_in
        set_up_title set_up_intro set_up_code set_up_code_hint set_up_button password_hint
        unreachable signed_out unreadable part_failed newer_console newer_part reload connection_lost try_again
        language theme theme_system theme_light theme_dark
        close cancel save copy copied copy_by_hand loading delete create any actions
        configurations find_configuration no_configuration_found new_configuration configuration_name time_zone time_zone_hint
        no_configurations no_configurations_text no_configurations_viewer configuration_created change_configuration configuration_changed configuration_unknown
        tab_blocked tab_report blocked_list stop_cancellation distributions mail_servers error_log tabs sections
        search_address filters filter_reason filter_origin filter_state sort newest_first oldest_first address_ascending address_descending
        mail_address error_reason stop_date state origin_label operation
        release release_title release_several_title release_text release_several_text comment comment_hint release_done release_not_blocked
        blocked_empty blocked_empty_text nothing_found nothing_found_text nothing_yet nothing_yet_text clear_filters
        next_page first_page live_on
        stop_cancellation_text cancelled_at delete_exemption_title delete_exemption_text exemption_deleted exemptions_empty exemptions_empty_text
        run_settings previous_execution never execute_timing immediate_action immediate_action_hint
        watch_period watch_period_hint watch_daily_limit watch_daily_limit_hint watch_warning watch_warning_hint
        heavy_days_title heavy_days_text heavy_days_unknown success_resets success_resets_hint blocking_conditions enabled frequency
        cancel_blocking settings_saved settings_saved_now conflict_title conflict_text load_new
        confirm_timing_title confirm_timing_text timing_now timing_now_hint confirm
        number_wrong only_administrators
        run_now run_now_text run_queued run_working run_failed run_failed_text tried_again cause technical_details
        distributions_text distributions_empty distributions_empty_text added removed created
        receipts_none acknowledged notices waiting_acknowledgement checksum
        mail_servers_text add_mail_server mail_server_name mail_servers_empty mail_servers_empty_text
        token_title token_once token agent_configuration token_next waiting_contact contact_made done
        last_contact deactivate activate inactive mail_server_changed rename rename_mail_server renew_token renew_token_title renew_token_text holds
        error_log_text date smtp_reply from_day to_day no_reply error_log_empty error_log_empty_text
        accounts accounts_text new_account account_name plan_label administrator_email administrator_password account_created
        open_account accounts_empty accounts_empty_text leave_account not_found not_found_text back_home
        bad_address
        domain deactivate_title deactivate_text next_execution standard_fixed request_release request_release_text request_not_blocked request_viewer release_soon professional_only professional_only_text
        delivery_log delivery_log_text delivery_log_empty outcome_label
        features downloads disabled allow_downloads allow_downloads_hint event_retention event_retention_hint features_saved
        download download_title download_text download_excel download_excel_hint download_preparing download_begun
        downloads_off downloads_off_text whole_list address_contains
        select select_page bulk_release bulk_release_title bulk_unfiltered bulk_unfiltered_text bulk_nothing
        bulk_text bulk_moving bulk_goes_on
    }
    sentences {
        failed(u16);
        total(u64, bool);
        addresses_count(i64);
        inside_account(&str);
        release_question(&str);
        released(&str);
        delete_question(&str);
        blocks_on_day(&str, i64);
        execute_timing_hint(&str);
        timing_next_at(&str);
        version_number(i64);
        acknowledged_of(usize, usize);
        renew_question(&str);
        holds_version(i64, i64);
        cancel_blocking_of(&str);
        frequency_of(&str);
        enabled_of(&str);
        deactivate_question(&str);
        spread_to(i64);
        select_address(&str);
        release_selected(usize);
        release_some_not_blocked(i64);
        bulk_question(i64);
        bulk_confirm(i64);
        bulk_released(i64);
        bulk_moved(i64);
    }
    names {
        reason(Reason);
        origin(Origin);
        block_state(BlockState);
        removal_cause(RemovalCause);
        mail_server_state(MailServerState);
        mail_server_state_hint(MailServerState);
        distribution_state(DistributionState);
        distribution_kind(DistributionKind);
        outcome(Outcome);
        failure_cause(FailureCause);
        plan(Plan);
    }
    parts {
        audit: audit::AuditTexts;
        closing: closing::ClosingTexts;
        history: history::HistoryTexts;
        inquiries: inquiries::InquiryTexts;
        people: people::PeopleTexts;
        problems: problems::ProblemTexts;
        report: report::ReportTexts;
        suspension: suspension::SuspensionTexts;
        tokens: tokens::TokenTexts;
        uploads: uploads::UploadTexts;
    }
}

impl Texts {
    /// The words of what can be copied: on the button, before and after, and where the page may not copy.
    pub const fn copying(&self) -> (&'static str, &'static str, &'static str) {
        (self.copy, self.copied, self.copy_by_hand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_its_language() {
        assert_eq!(Language::of_tag("ja-JP"), Some(Language::Japanese));
        assert_eq!(Language::of_tag("EN"), Some(Language::English));
        assert_eq!(Language::of_tag("fr"), None);
    }
}
