//! Japanese.

use super::UploadTexts;
use crate::i18n::number::grouped;
use shared::{
    list_operation::{ListOperationKind, ListOperationState},
    upload::{Delimiter, Encoding, FailureCode, UploadState},
};

pub(in crate::i18n) const TEXTS: UploadTexts = UploadTexts {
    uploads: "アップロード",
    uploads_text: "CSV ファイルで多数のアドレスをまとめて登録または解除します。内容を確認するまで、リストは変更されません。",
    choose_file: "CSV ファイルを選択",
    choose_again: "同じファイルを選択",
    drop_hint: "またはここにドロップしてください。文字コード、区切り文字、メールアドレスの列は自動で判別します。",
    file: "ファイル",
    uploaded_by: "アップロードした人",
    uploads_empty: "アップロードはありません",
    uploads_empty_text: "アップロードしたファイルとその内容がここに表示されます。",
    sending: "アップロード中",
    waiting: "接続が切れました",
    interrupted: "中断",
    elsewhere: "別のウィンドウでアップロード中",
    keep_open: "アップロードが終わるまで、このブラウザーのウィンドウを閉じないでください。その間も他のページは使えます。",
    connection_waits: "接続が切れました。回復すると自動的に再開します。",
    stop: "中止",
    stop_title: "アップロードの中止",
    stop_text: "これまでにアップロードした分は削除されます。",
    sign_out_title: "アップロード中にサインアウトしますか？",
    sign_out_text: "サインアウトするとアップロードが止まります。後で続けるには、同じファイルをもう一度選択してください。",
    delete_title: "アップロードの削除",
    delete_text: "ファイルとその読み取り結果を削除します。登録済みのアドレスは配信停止リストに残ります。",
    deleted: "アップロードを削除しました。",
    go_on_text: "このアップロードは中断されています。同じファイルをもう一度選択すると、続きから再開します。",
    other_file: "名前またはサイズが異なる、別のファイルです。最初に選択したファイルを、変更せずに選んでください。",
    file_gone: "ファイルが変更、移動または削除されたため、読み取れません。もう一度選択してください。",
    sent_elsewhere: "別のウィンドウがこのアップロードを続けています。",
    upload_ended: "このアップロードは削除されたか、期限が過ぎました。新しくアップロードしてください。",
    resume: "再開",
    back_to_uploads: "アップロード",
    unknown_upload: "このアップロードは見つかりません",
    unknown_upload_text: "削除されたか、期限が過ぎたか、別のサーバー構成のものです。",
    analysing_text: "ファイルを読み取っています。このページを離れても続きます。",
    undone_text: "登録は取り消されました。もう一度登録できます。",
    failed_title: "ファイルを読み取れません",
    ready_title: "登録できます",
    nothing_new: "新しく登録するアドレスはありません。有効なアドレスはすべて、すでに停止中か停止解除リストにあります。",
    total: "レコード数",
    new: "新規",
    already_blocked: "停止中",
    exempt: "停止解除リストにあり",
    duplicate: "重複",
    invalid: "無効",
    invalid_download: "無効な行をダウンロード",
    invalid_file: "無効な行.csv",
    invalid_capped: "登録後はファイルが残らないため、ダウンロードできるのは最初の 100,000 行です。",
    reading: "ファイルの内容",
    reading_text: "正しくない場合は、変更してもう一度読み取ってください。",
    automatic: "自動",
    encoding: "文字コード",
    delimiter: "区切り文字",
    header: "1 行目",
    header_yes: "列名",
    header_no: "データ",
    column: "メールアドレスの列",
    column_none: "見つかりません",
    preview: "最初の 20 行",
    read_again: "もう一度読み取る",
    register: "登録",
    register_title: "配信停止リストに登録",
    register_text: "これらのアドレスにはメールが送信されなくなります。登録はまとめて取り消せます。",
    block_exempt: "停止解除リストのアドレスも停止する",
    block_exempt_hint: "停止解除リストからは削除されます。",
    register_timing: "いつメールサーバーに反映しますか？",
    register_now_hint: "登録が終わるとすぐに実行します。",
    release_instead: "これらのアドレスを解除する",
    release_title: "このファイルのアドレスを解除",
    release_text: "約 10 秒以内に配信が再開され、停止解除リストに登録されます。解除はまとめて取り消せます。",
    release_none: "停止中のアドレスはありません。解除するものはありません。",
    release_more: "ほか",
    bulk_changes: "一括変更",
    bulk_changes_text: "アップロードの登録、一括解除、およびそれらの取り消しです。それぞれ全体が反映されるか、まったく反映されないかのどちらかです。",
    bulk_empty: "一括変更はありません",
    bulk_empty_text: "アップロードを登録するか、多数のアドレスを一括で解除すると、ここに表示され、取り消すことができます。",
    history: "一括変更の履歴",
    of_file: "アップロードしたファイル",
    cancel_operation: "中止する",
    cancel_title: "一括変更の中止",
    cancel_text: "準備した分を元に戻します。リストは変わりません。",
    undo: "取り消す",
    undo_title: "一括変更の取り消し",
    undo_registration_text: "この登録で停止し、今も停止中のアドレスを、すべてのメールサーバーでただちに解除します。終了した停止解除は元に戻ります。",
    undo_release_text: "この解除で停止解除リストに登録され、今もそこにあるアドレスを、すべてのメールサーバーでただちに再び停止します。",
    added: "配信停止リストに追加",
    removed: "配信停止リストから削除",
    already: "すでに停止中",
    exempt_skipped: "停止解除リストにあるため除外",
    duplicates: "ファイル内の重複",
    not_blocked: "停止中でない",
    in_distribution: "配布を見る",
    pending_distribution: "次回の実行でメールサーバーに反映されます。",
    run_queued: "実行によってメールサーバーに反映されます。",
    undone: "取り消し済み",
    being_undone: "取り消し中",
    upload: "CSV ファイルの登録",
    taken_back: "中止しました。リストは実行前のままです。",
    exempt_too: "停止解除リストのアドレスも対象",
    too_large: |largest| {
        format!(
            "ファイルが大きすぎます。アップロードできるのは {largest} までです。分割するか、プロバイダーに上限の変更を依頼してください。"
        )
    },
    sent_of: |sent, size, percent| format!("{percent}%（{sent} / {size}）"),
    seconds_left: |seconds| match seconds {
        0..=9 => "残り数秒".to_owned(),
        10..=89 => format!("残り約 {} 秒", (seconds + 9) / 10 * 10),
        90..=5_399 => format!("残り約 {} 分", (seconds + 30) / 60),
        _ => format!("残り約 {} 時間", (seconds + 1_800) / 3_600),
    },
    line: |line| format!("{} 行目", grouped(line)),
    column_share: |name, percent| format!("{name}（{percent}%）"),
    column_number: |number| format!("{number} 列目"),
    rows_of: |done, all| format!("{} 行中 {} 行", grouped(all), grouped(done)),
    delete_question: |name| format!("「{name}」を削除しますか？"),
    same_file: |name, size| format!("{name}（{size}）"),
    release_count: |count| format!("停止中の {} 件を解除します。", grouped(count)),
    filtered_by: |filter| format!("条件: {filter}"),
    kept_until: |when| format!("{when} まで保存"),
    upload_state: |state| match state {
        UploadState::Uploading => "アップロード中",
        UploadState::Analysing => "読み取り中",
        UploadState::Ready => "登録できます",
        UploadState::Failed => "読み取れません",
        UploadState::Registering => "登録中",
        UploadState::Registered => "登録済み",
        UploadState::Undone => "取り消し済み",
    },
    failure: |code| match code {
        FailureCode::Empty => "ファイルが空です。",
        FailureCode::HeaderOnly => "列の名前だけで、データの行がありません。",
        FailureCode::NotText => {
            "テキストファイルではありません。Excel の場合は CSV 形式で保存してからアップロードしてください。テキストであれば、下で文字コードを選択してください。"
        }
        FailureCode::NoSuchColumn => "指定した名前または番号の列がありません。別の列を選択してください。",
        FailureCode::AmbiguousColumn => "指定した名前の列が複数あります。番号で列を選択してください。",
        FailureCode::NoAddressColumn => {
            "メールアドレスの列が見つかりません。列を選択するか、文字コードまたは区切り文字を変更してください。"
        }
        FailureCode::UnclosedQuote => {
            "この行で始まる引用符が閉じられていません。ファイルを修正してからアップロードしてください。"
        }
        FailureCode::RecordTooLong => {
            "この行から始まるレコードが 1 MiB を超えています。ファイルを修正するか、区切り文字を変更してください。"
        }
        FailureCode::TooManyFields => {
            "この行から始まるレコードの項目が 16,384 個を超えています。ファイルを修正するか、区切り文字を変更してください。"
        }
        FailureCode::DiskFull => {
            "サービスのディスクがいっぱいです。プロバイダーに連絡し、空きができてからもう一度読み取ってください。"
        }
        FailureCode::Internal => {
            "サービスがファイルを読み取れませんでした。もう一度読み取り、再び失敗する場合はプロバイダーに連絡してください。"
        }
    },
    encoding_name: |encoding| match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le => "UTF-16 LE",
        Encoding::Utf16Be => "UTF-16 BE",
        Encoding::ShiftJis => "Shift_JIS（CP932）",
        Encoding::EucJp => "EUC-JP",
        Encoding::Iso2022Jp => "ISO-2022-JP（JIS）",
    },
    delimiter_name: |delimiter| match delimiter {
        Delimiter::Comma => "カンマ",
        Delimiter::Semicolon => "セミコロン",
        Delimiter::Tab => "タブ",
    },
    kind: |kind| match kind {
        ListOperationKind::RegisterUpload => "登録",
        ListOperationKind::Release => "一括解除",
        ListOperationKind::Undo => "取り消し",
    },
    operation_state: |state| match state {
        ListOperationState::Queued => "待機中",
        ListOperationState::Running => "処理中",
        ListOperationState::Cancelling => "中止処理中",
        ListOperationState::Done => "完了",
        ListOperationState::Cancelled => "中止",
        ListOperationState::Failed => "失敗",
    },
};
