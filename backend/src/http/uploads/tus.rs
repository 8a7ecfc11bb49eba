//! The tus protocol 1.0 (<https://tus.io/protocols/resumable-upload>): core, creation, creation-with-upload, checksum,
//! expiration, termination.

use super::metadata;
use crate::{
    http::{
        auth::{Operator, Viewer, bearer},
        body::content_length,
        extract::PathIds,
    },
    service::{
        Access, Error, Result,
        server_configurations::{OpenConfiguration, open},
        uploads::{self, Algorithm, Announced, Begin, Checksum, Sender},
    },
    state::AppState,
};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::MessageBody,
    delete,
    dev::{ServiceRequest, ServiceResponse},
    head,
    http::{
        Method, StatusCode, Version,
        header::{self, HeaderName, HeaderValue, HttpDate},
    },
    middleware::Next,
    options, patch, post, web,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{Problem, RefusalCode, plan::Capability, upload::Upload};
use std::time::SystemTime;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
const ALGORITHMS: &str = "sha1,sha256";
const CONTENT: &str = "application/offset+octet-stream";
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(describe).service(create).service(show_offset).service(append).service(terminate);
}

/// Middleware: says the version with every answer about uploads, and lets clients behind a proxy that knows only POST
/// name their method in `X-HTTP-Method-Override`.
pub async fn speak<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> std::result::Result<ServiceResponse<B>, actix_web::Error> {
    let mut path = request.path().split('/').skip(1);
    let api = [path.next(), path.next(), path.next()] == [Some("api"), Some("v1"), Some("server-configurations")];
    if !api || path.nth(1) != Some("uploads") {
        return next.call(request).await;
    }
    if request.method() == Method::POST
        && let Some(method) = request.headers().get("x-http-method-override")
        && let Ok(method) = Method::from_bytes(method.as_bytes())
    {
        request.head_mut().method = method;
    }
    let mut response = next.call(request).await?;
    let precondition = response.status() == StatusCode::PRECONDITION_FAILED;
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, HeaderValue::from_static(VERSION));
    if precondition {
        headers.insert(HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION));
    }
    Ok(response)
}

/// What this server understands of the tus protocol, and the largest file of the account
#[utoipa::path(tag = "Uploads", operation_id = "describe_uploads", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")),
    responses((status = 204, headers(
        ("Tus-Version", description = "1.0.0"),
        ("Tus-Extension", description = "creation, creation-with-upload, checksum, expiration, termination"),
        ("Tus-Max-Size" = i64, description = "The largest file of the account, in bytes"),
        ("Tus-Checksum-Algorithm", description = "sha1, sha256"),
    ))))]
#[options("/server-configurations/{id}/uploads")]
async fn describe(state: web::Data<AppState>, access: Viewer, id: PathIds<Uuid>) -> Result<HttpResponse> {
    open(&state.db, &access.0, id.0, Capability::Upload).await?;
    Ok(HttpResponse::NoContent()
        .insert_header(("Tus-Version", VERSION))
        .insert_header(("Tus-Extension", EXTENSIONS))
        .insert_header(("Tus-Max-Size", uploads::max_bytes(&state, &access.0).await?.to_string()))
        .insert_header(("Tus-Checksum-Algorithm", ALGORITHMS))
        .finish())
}

/// Begin an upload by tus; with a body of `application/offset+octet-stream` its first bytes come along
///
/// Upload-Metadata may hold `filename`, and how the file is to be read: `column`, `column_number`, `encoding`,
/// `delimiter`, `header`, as in the body of `PUT …/reading`.
#[utoipa::path(tag = "Uploads", operation_id = "create_upload", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "The file's size in bytes"),
        ("Upload-Metadata" = Option<String>, Header, description = "Pairs of a name and a value in Base64"),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the body: `sha1` or `sha256`, a space, the sum in Base64"),
    ),
    responses(
        (status = 201, body = Upload, headers(
            ("Location", description = "Where to send the bytes"),
            ("Upload-Offset" = i64, description = "How many bytes are here"),
            ("Upload-Expires", description = "Until when it is kept if nothing comes"),
        )),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "The checksum cannot be read, or the body broke off"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Too many uploads are not registered"),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "Another version of tus"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "Larger than the account may upload"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not application/offset+octet-stream"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "A header is not valid; the problem names it"),
        (status = 460, body = Problem, content_type = "application/problem+json", description = "The body has another checksum: nothing of it was kept"),
    ))]
#[post("/server-configurations/{id}/uploads")]
async fn create(
    state: web::Data<AppState>,
    access: Operator,
    id: PathIds<Uuid>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Upload).await?;
    check_version(&request)?;
    if text(&request, "upload-defer-length")?.is_some() {
        return Err(Error::field(
            "Upload-Defer-Length",
            RefusalCode::NotAccepted,
            "send Upload-Length: this server must know it at the beginning",
        ));
    }
    let size = number(&request, "Upload-Length")?;
    let metadata_text = text(&request, "upload-metadata")?.unwrap_or_default();
    let metadata = metadata::parse(metadata_text)?;
    let brings_bytes = request.headers().contains_key(header::CONTENT_TYPE);
    let checksum = if brings_bytes { check_content(&request)? } else { None };
    let begin = Begin {
        file_name: metadata.file_name.unwrap_or_else(|| "upload.csv".to_owned()),
        metadata: metadata_text.to_owned(),
        size,
        wanted: metadata.wanted,
    };
    let mut upload = uploads::begin(&state, &access.0, &configuration, begin).await?;
    if brings_bytes && upload.size > 0 {
        let announced = Announced { offset: 0, length: length(&request), checksum };
        let sender = sender(&request, &access.0)?;
        let received = receive(&state, sender, &configuration, upload.id, announced, payload).await;
        if received.is_err()
            // Nobody is told where it is.
            && let Err(error) = uploads::remove(&state, &access.0, configuration.id, upload.id).await
        {
            tracing::warn!(%error, "cannot remove an upload that broke off where it began; it is until its time is over");
        }
        upload = received?;
    }
    let location = format!("/api/v1/server-configurations/{}/uploads/{}", configuration.id, upload.id);
    let mut response = HttpResponse::Created();
    describe_state(&mut response, &upload);
    Ok(response.insert_header((header::LOCATION, location)).json(upload))
}

/// How many bytes of an upload are here
#[utoipa::path(tag = "Uploads", operation_id = "show_upload_offset", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
    ),
    responses(
        (status = 200, headers(
            ("Upload-Offset" = i64, description = "How many bytes are here"),
            ("Upload-Length" = i64, description = "The file's size in bytes"),
            ("Upload-Metadata", description = "As it came"),
            ("Upload-Expires", description = "Until when it is kept if nothing comes"),
        )),
        (status = 410, description = "Deleted, or its time was over"),
        (status = 412, description = "Another version of tus"),
    ))]
#[head("/server-configurations/{id}/uploads/{upload_id}")]
async fn show_offset(
    state: web::Data<AppState>,
    access: Viewer,
    ids: PathIds<(Uuid, Uuid)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Upload).await?;
    check_version(&request)?;
    let (upload, metadata) = uploads::get(&state, configuration.id, ids.0.1).await?;
    let mut response = HttpResponse::Ok();
    describe_state(&mut response, &upload);
    response.insert_header(("Upload-Length", upload.size.to_string()));
    if !metadata.is_empty() {
        response.insert_header(("Upload-Metadata", metadata));
    }
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// Add bytes to an upload, any number; what came before the connection broke stays
///
/// The newest request for an upload wins: an older one is answered 409 at its next bytes. With Upload-Checksum the bytes
/// count only when their sum was right.
#[utoipa::path(tag = "Uploads", operation_id = "append_to_upload", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "How many bytes are here already"),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the body: `sha1` or `sha256`, a space, the sum in Base64"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, headers(
            ("Upload-Offset" = i64, description = "How many bytes are here now"),
            ("Upload-Expires", description = "Until when it is kept if nothing comes"),
        )),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "Another number of bytes is here, or another request went on"),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "Deleted, or its time was over"),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "Another version of tus"),
        (status = 460, body = Problem, content_type = "application/problem+json", description = "The body has another checksum: nothing of it was kept"),
    ))]
#[patch("/server-configurations/{id}/uploads/{upload_id}")]
async fn append(
    state: web::Data<AppState>,
    access: Operator,
    ids: PathIds<(Uuid, Uuid)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Upload).await?;
    check_version(&request)?;
    uploads::get(&state, configuration.id, ids.0.1).await?;
    let checksum = check_content(&request)?;
    let offset = i64::try_from(number(&request, "Upload-Offset")?).unwrap_or(i64::MAX);
    let announced = Announced { offset, length: length(&request), checksum };
    let sender = sender(&request, &access.0)?;
    let upload = receive(&state, sender, &configuration, ids.0.1, announced, payload).await?;
    let mut response = HttpResponse::NoContent();
    describe_state(&mut response, &upload);
    Ok(response.finish())
}

/// End an upload: its bytes, and what was found in them, are removed
#[utoipa::path(tag = "Uploads", operation_id = "delete_upload", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
    ),
    responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It is being registered"),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "Deleted, or its time was over"),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "Another version of tus"),
    ))]
#[delete("/server-configurations/{id}/uploads/{upload_id}")]
async fn terminate(
    state: web::Data<AppState>,
    access: Operator,
    ids: PathIds<(Uuid, Uuid)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let access: Access = access.0;
    let configuration = open(&state.db, &access, ids.0.0, Capability::Upload).await?;
    // Scripts that do not speak tus may leave the version out here.
    if request.headers().contains_key(RESUMABLE) {
        check_version(&request)?;
    }
    uploads::remove(&state, &access, configuration.id, ids.0.1).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes the bytes in, also when the connection breaks and nobody waits for this answer any more: what came stays.
async fn receive(
    state: &AppState,
    sender: Sender,
    configuration: &OpenConfiguration,
    id: Uuid,
    announced: Announced,
    payload: web::Payload,
) -> Result<Upload> {
    let (state, configuration_id) = (state.clone(), configuration.id);
    let received = actix_web::rt::spawn(async move {
        uploads::receive(&state, &sender, configuration_id, id, announced, payload.into_inner()).await
    });
    received.await.map_err(|error| Error::Internal(error.into()))?
}

fn sender(request: &HttpRequest, access: &Access) -> Result<Sender> {
    Ok(Sender { access: access.clone(), token: bearer(request)?.to_owned() })
}

fn describe_state(response: &mut HttpResponseBuilder, upload: &Upload) {
    response.insert_header(("Upload-Offset", upload.received.to_string()));
    response.insert_header(("Upload-Expires", HttpDate::from(SystemTime::from(upload.expires_at)).to_string()));
}

/// How many bytes the body has, when that is known. Before HTTP/2 one of neither length nor chunks has none (RFC 9112,
/// section 6.3).
fn length(request: &HttpRequest) -> Option<u64> {
    let has_none = request.version() < Version::HTTP_2 && !request.headers().contains_key(header::TRANSFER_ENCODING);
    content_length(request).map(|length| length as u64).or(has_none.then_some(0))
}

fn check_version(request: &HttpRequest) -> Result<()> {
    let version = request.headers().get(RESUMABLE).map(HeaderValue::as_bytes);
    if version == Some(VERSION.as_bytes()) { Ok(()) } else { Err(Error::TusVersion) }
}

/// Checks the media type of the body and reads its checksum.
fn check_content(request: &HttpRequest) -> Result<Option<Checksum>> {
    if request.content_type() != CONTENT {
        return Err(Error::UnsupportedMediaType(format!("send the bytes as {CONTENT}")));
    }
    text(request, "upload-checksum")?.map(checksum).transpose()
}

fn checksum(header: &str) -> Result<Checksum> {
    let wrong = || {
        Error::Malformed(format!("Upload-Checksum: send {ALGORITHMS} (one of them), a space, and the sum in Base64"))
    };
    let (name, sum) = header.split_once(' ').ok_or_else(wrong)?;
    let algorithm = match name {
        "sha1" => Algorithm::Sha1,
        "sha256" => Algorithm::Sha256,
        _ => return Err(wrong()),
    };
    let expected = STANDARD.decode(sum.trim()).map_err(|_| wrong())?;
    Ok(Checksum { algorithm, expected })
}

fn text<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>> {
    let value = request.headers().get(name).map(HeaderValue::to_str).transpose();
    value.map_err(|_| Error::field(name, RefusalCode::NotAccepted, "send visible ASCII characters"))
}

fn number(request: &HttpRequest, name: &str) -> Result<u64> {
    let value = text(request, name)?.ok_or_else(|| Error::field(name, RefusalCode::Missing, "is missing"))?;
    value.parse().map_err(|_| Error::field(name, RefusalCode::NotAccepted, "send a number of bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_read_as_tus_writes_them() {
        let read = checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap();
        assert_eq!((read.algorithm, read.expected.len()), (Algorithm::Sha1, 20));
        for wrong in ["sha1", "md5 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1 ***", ""] {
            assert!(matches!(checksum(wrong), Err(Error::Malformed(_))), "{wrong}");
        }
    }
}
