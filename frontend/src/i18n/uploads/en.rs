//! English.

use super::UploadTexts;
use crate::i18n::number::grouped;
use shared::{
    list_operation::{ListOperationKind, ListOperationState},
    upload::{Delimiter, Encoding, FailureCode, UploadState},
};

pub(in crate::i18n) const TEXTS: UploadTexts = UploadTexts {
    uploads: "Uploads",
    uploads_text: "Block or release many addresses at once by a CSV file. Nothing changes before you have seen what was found in it.",
    choose_file: "Choose a CSV file",
    choose_again: "Choose the same file",
    drop_hint: "or drop it here. Encoding, delimiter and the column with the mail addresses are found out.",
    file: "File",
    uploaded_by: "Uploaded by",
    uploads_empty: "No upload yet",
    uploads_empty_text: "Files that you upload appear here, with what was found in them.",
    sending: "Uploading",
    waiting: "Connection lost",
    interrupted: "Interrupted",
    elsewhere: "Uploading in another window",
    keep_open: "Don't close this browser window until the upload is finished. You can use the other pages meanwhile.",
    connection_waits: "The connection is lost. The upload goes on by itself as soon as it is back.",
    stop: "Stop",
    stop_title: "Stop the upload",
    stop_text: "What was uploaded so far is deleted.",
    sign_out_title: "Sign out in the middle of an upload?",
    sign_out_text: "Signing out stops the upload. To go on later, choose the same file again.",
    delete_title: "Delete the upload",
    delete_text: "The file and what was found in it are deleted. Addresses that were registered stay on the blocked list.",
    deleted: "Upload deleted.",
    go_on_text: "This upload was interrupted. Choose the same file again, and it goes on where it was.",
    other_file: "This is another file: its name or its size differs. Choose the file that you began with, unchanged.",
    file_gone: "The browser cannot read the file any more: it was changed, moved or deleted. Choose it again.",
    sent_elsewhere: "Another window goes on with this upload.",
    upload_ended: "This upload was deleted, or its time was over. Begin another one.",
    resume: "Go on",
    back_to_uploads: "Uploads",
    unknown_upload: "This upload is not here",
    unknown_upload_text: "It was deleted, its time was over, or it belongs to another server configuration.",
    analysing_text: "The file is being read. You may leave this page.",
    undone_text: "The registration was undone. The file can be registered again.",
    failed_title: "The file cannot be read",
    ready_title: "Ready to register",
    nothing_new: "There is nothing new to register: every valid address is blocked already, or on the stop cancellation list.",
    total: "Records",
    new: "New",
    already_blocked: "Already blocked",
    exempt: "On the stop cancellation list",
    duplicate: "Duplicate",
    invalid: "Invalid",
    invalid_download: "Download invalid rows",
    invalid_file: "invalid-rows.csv",
    invalid_capped: "The first 100,000 of them: the uploaded file is gone since it was registered.",
    reading: "What was found in the file",
    reading_text: "Is something wrong? Change it and have the file read again.",
    automatic: "Automatic",
    encoding: "Encoding",
    delimiter: "Delimiter",
    header: "First row",
    header_yes: "Column names",
    header_no: "Already data",
    column: "Mail address column",
    column_none: "None found",
    preview: "The first 20 rows",
    read_again: "Read again",
    register: "Register",
    register_title: "Register on the blocked list",
    register_text: "Mail to these addresses is no longer sent. The registration can be undone as a whole.",
    block_exempt: "Block addresses of the stop cancellation list too",
    block_exempt_hint: "They are taken off that list.",
    register_timing: "When do the addresses reach the mail servers?",
    register_now_hint: "A whole run starts as soon as the addresses are registered.",
    release_instead: "Release these addresses instead",
    release_title: "Release the addresses of this file",
    release_text: "Mail to them is sent again within about 10 seconds, and they are put on the stop cancellation list. The release can be undone as a whole.",
    release_none: "None of these addresses is blocked: there is nothing to release.",
    release_more: "and more",
    bulk_changes: "Bulk changes",
    bulk_changes_text: "Registrations of uploads, bulk releases, and their undo. Each takes effect as a whole or not at all.",
    bulk_empty: "No bulk change yet",
    bulk_empty_text: "When you register an upload or release many addresses at once, it appears here and can be undone.",
    history: "History of bulk changes",
    of_file: "Uploaded file",
    cancel_operation: "Cancel it",
    cancel_title: "Cancel this change",
    cancel_text: "What was prepared is taken back. The lists stay as they are.",
    undo: "Undo",
    undo_title: "Undo this change",
    undo_registration_text: "Every address that it blocked and that is blocked still is taken off again, on every mail server at once. Ended exemptions come back.",
    undo_release_text: "Every address that it released and that is exempt still is blocked again, on every mail server at once.",
    added: "Added to the blocked list",
    removed: "Taken off the blocked list",
    already: "Already blocked",
    exempt_skipped: "Skipped: on the stop cancellation list",
    duplicates: "Duplicate in the file",
    not_blocked: "Not blocked",
    in_distribution: "See the distribution",
    pending_distribution: "It reaches the mail servers at the next execution.",
    run_queued: "A run takes it to the mail servers.",
    undone: "Undone",
    being_undone: "Being undone",
    upload: "Upload",
    taken_back: "It was given up. The lists are as they were before.",
    exempt_too: "Addresses of the stop cancellation list too",
    too_large: |largest| {
        format!(
            "The file is too large: your account may upload {largest} at most. Split it, or ask the provider for more."
        )
    },
    sent_of: |sent, size, percent| format!("{percent}%, {sent} of {size}"),
    seconds_left: |seconds| match seconds {
        0..=9 => "a few seconds left".to_owned(),
        10..=89 => format!("about {} seconds left", (seconds + 9) / 10 * 10),
        90..=5_399 => format!("about {} minutes left", (seconds + 30) / 60),
        _ => format!("about {} hours left", (seconds + 1_800) / 3_600),
    },
    line: |line| format!("Line {}", grouped(line)),
    column_share: |name, percent| format!("{name}: {percent}% mail addresses"),
    column_number: |number| format!("Column {number}"),
    rows_of: |done, all| format!("{} of {} row{}", grouped(done), grouped(all), if all == 1 { "" } else { "s" }),
    delete_question: |name| format!("Delete {name}?"),
    same_file: |name, size| format!("{name}, {size}"),
    release_count: |count| match count {
        1 => "1 of these addresses is blocked and will be released.".to_owned(),
        count => format!("{} of these addresses are blocked and will be released.", grouped(count)),
    },
    filtered_by: |filter| format!("Filter: {filter}"),
    kept_until: |when| format!("Kept until {when}"),
    upload_state: |state| match state {
        UploadState::Uploading => "Uploading",
        UploadState::Analysing => "Being read",
        UploadState::Ready => "Ready to register",
        UploadState::Failed => "Cannot be read",
        UploadState::Registering => "Being registered",
        UploadState::Registered => "Registered",
        UploadState::Undone => "Undone",
    },
    failure: |code| match code {
        FailureCode::Empty => "The file is empty.",
        FailureCode::HeaderOnly => "The file has the names of the columns and no row below them.",
        FailureCode::NotText => {
            "This is not a text file. In Excel, save the workbook as CSV and upload that. If it is text, choose its encoding below."
        }
        FailureCode::NoSuchColumn => "There is no column of the chosen name or number. Choose another column.",
        FailureCode::AmbiguousColumn => "Several columns have the chosen name. Choose the column by its number.",
        FailureCode::NoAddressColumn => {
            "No column holds mail addresses. Choose the column, or another encoding or delimiter."
        }
        FailureCode::UnclosedQuote => {
            "A quotation mark is opened in this line and never closed. Correct the file and upload it again."
        }
        FailureCode::RecordTooLong => {
            "The record that begins in this line is longer than 1 MiB. Correct the file, or choose another delimiter."
        }
        FailureCode::TooManyFields => {
            "The record that begins in this line has more than 16,384 fields. Correct the file, or choose another delimiter."
        }
        FailureCode::DiskFull => {
            "The disk of the service is full. Ask the provider to make room, then have the file read again."
        }
        FailureCode::Internal => {
            "The service failed to read the file. Have it read again; if that fails too, tell the provider."
        }
    },
    encoding_name: |encoding| match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le => "UTF-16 LE",
        Encoding::Utf16Be => "UTF-16 BE",
        Encoding::ShiftJis => "Shift_JIS (CP932)",
        Encoding::EucJp => "EUC-JP",
        Encoding::Iso2022Jp => "ISO-2022-JP (JIS)",
    },
    delimiter_name: |delimiter| match delimiter {
        Delimiter::Comma => "Comma",
        Delimiter::Semicolon => "Semicolon",
        Delimiter::Tab => "Tab",
    },
    kind: |kind| match kind {
        ListOperationKind::RegisterUpload => "Registration",
        ListOperationKind::Release => "Bulk release",
        ListOperationKind::Undo => "Undo",
    },
    operation_state: |state| match state {
        ListOperationState::Queued => "Queued",
        ListOperationState::Running => "Running",
        ListOperationState::Cancelling => "Being cancelled",
        ListOperationState::Done => "Done",
        ListOperationState::Cancelled => "Cancelled",
        ListOperationState::Failed => "Failed",
    },
};
