//! The words of people: users, invitations, one's own account.

pub(super) mod en;
pub(super) mod ja;

use shared::session::Role;

texts! {
    /// The words of people: users, invitations, one's own account.
    PeopleTexts
    words {
        settings my_account users users_text users_empty user role_label active last_seen second_factor you change
        change_title changed password_link password_link_text remove_factor remove_factor_text
        factor_removed deactivate_text reactivate_text
        invite invite_title invited invited_by valid_until expired renew withdraw withdraw_title withdraw_text
        withdrawn link link_once link_next
        password_title password_text present_password new_password password_changed
        factor_text factor_begin factor_scan factor_secret code code_hint factor_confirm factor_on
        recovery_codes recovery_text recovery_renew factor_disable factor_disabled qr_code
        sessions sessions_text this_session client began last_used end end_others session_ended
        accept_title accept_button reset_title reset_button reset_done link_dead link_dead_text
        second_step_text other_way to_sign_in
        session_over session_over_text leave_page
        forgot forgot_title forgot_text forgot_send forgot_sent forgot_sent_text no_mail no_mail_text
        sign_out_later locale locale_text browser_zone apply locale_changed
    }
    sentences {
        invited_to(&str);
        invited_as(&str);
        sets_password_of(&str);
        withdraw_question(&str);
        link_mailed(&str);
        recovery_left(u32);
        works_for(u8);
    }
    names {
        role(Role);
        role_hint(Role);
    }
    parts {}
}
