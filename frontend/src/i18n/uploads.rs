//! The words of uploads and list operations.

pub(super) mod en;
pub(super) mod ja;

use shared::{
    list_operation::{ListOperationKind, ListOperationState},
    upload::{Delimiter, Encoding, FailureCode, UploadState},
};

texts! {
    /// The words of uploads and list operations.
    UploadTexts
    words {
        uploads uploads_text choose_file choose_again drop_hint file uploaded_by uploads_empty uploads_empty_text
        sending waiting interrupted elsewhere keep_open connection_waits stop stop_title stop_text
        sign_out_title sign_out_text
        delete_title delete_text deleted go_on_text other_file file_gone sent_elsewhere upload_ended resume
        back_to_uploads unknown_upload unknown_upload_text analysing_text undone_text
        failed_title ready_title nothing_new
        total new already_blocked exempt duplicate invalid invalid_download invalid_file invalid_capped
        reading reading_text automatic encoding delimiter header header_yes header_no column column_none preview read_again
        register register_title register_text block_exempt block_exempt_hint register_timing register_now_hint
        release_instead release_title release_text release_none release_more
        bulk_changes bulk_changes_text bulk_empty bulk_empty_text history of_file
        cancel_operation cancel_title cancel_text undo undo_title undo_registration_text undo_release_text
        added removed already exempt_skipped duplicates not_blocked
        in_distribution pending_distribution run_queued undone being_undone exempt_too taken_back upload
    }
    sentences {
        too_large(&str);
        sent_of(&str, &str, i64);
        seconds_left(i64);
        line(i64);
        column_share(&str, i64);
        column_number(u32);
        rows_of(i64, i64);
        delete_question(&str);
        same_file(&str, &str);
        release_count(i64);
        filtered_by(&str);
        kept_until(&str);
    }
    names {
        upload_state(UploadState);
        failure(FailureCode);
        encoding_name(Encoding);
        delimiter_name(Delimiter);
        kind(ListOperationKind);
        operation_state(ListOperationState);
    }
    parts {}
}
