//! The console, embedded in the binary.

use super::client;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, HeaderValue},
    },
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// `frontend/dist`, as `cargo xtask console` builds it; the service builds without it too.
#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
#[allow_missing = true]
struct Files;

/// The page that every path of the console starts with.
const PAGE: &str = "index.html";

/// Answers every path that is no other route's: a file, or the page, which then reads the path itself.
pub async fn serve(request: HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD")).finish();
    }
    let path = request.path().trim_start_matches('/');
    let (name, file) = match Files::get(path).filter(|_| !path.is_empty()) {
        Some(file) => (path, Some(file)),
        // A missing file must not become a page: a browser would run HTML as a program.
        None if is_file(path) => (path, None),
        None => (PAGE, Files::get(PAGE)),
    };
    match file {
        Some(file) => answer(&request, name, file),
        None if name == PAGE => HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(
            "This build has no console. Build one with `cargo xtask console`; the API is documented at /api/docs/.\n",
        ),
        None => HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("no such file\n"),
    }
}

fn is_file(path: &str) -> bool {
    path.starts_with("assets/") || path.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

fn answer(request: &HttpRequest, name: &str, file: EmbeddedFile) -> HttpResponse {
    let compressed = client::accepts_encoding(request, "br").then(|| Files::get(&format!("{name}.br"))).flatten();
    let is_compressed = compressed.is_some();
    let file = compressed.unwrap_or(file);
    let etag =
        format!("\"{}\"", file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    // Names below assets/ change with their content.
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::VARY, "Accept-Encoding"));
    if known {
        return response.finish();
    }
    if is_compressed {
        response.insert_header((header::CONTENT_ENCODING, "br"));
    }
    let media_type = mime_guess::from_path(name).first_or_octet_stream();
    let media_type =
        if media_type.type_() == "text" { format!("{media_type}; charset=utf-8") } else { media_type.to_string() };
    response.content_type(media_type).body(file.data.into_owned())
}

/// What a page of this path may load. The docs page writes its own style attributes.
pub fn content_security_policy(path: &str) -> HeaderValue {
    HeaderValue::from_static(if path.starts_with("/api/docs") {
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    } else {
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[actix_web::test]
    async fn a_missing_file_is_not_answered_with_the_page() {
        let answer = serve(TestRequest::with_uri("/assets/old/frontend.js").to_http_request()).await;
        assert_eq!(answer.status(), 404);
    }
}
