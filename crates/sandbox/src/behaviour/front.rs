//! Pages of the web server and the CDN in front of the application.

use crate::http::{Response, reason};

/// The HTML that stands for a status: the CDN's for its own (520 to 527 and 530), else the web server's.
pub(crate) fn page(status: u16) -> Response {
    match status {
        520..=527 | 530 => cdn(status),
        _ => web_server(status),
    }
}

fn web_server(status: u16) -> Response {
    let title = format!("{status} {}", reason(status));
    let html = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
         <center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = Response::html(status, html).with("Server", "nginx");
    response.headers[0].1 = "text/html".to_owned();
    response
}

fn cdn(status: u16) -> Response {
    let title = match status {
        520 => "Web server is returning an unknown error",
        521 => "Web server is down",
        522 => "Connection timed out",
        523 => "Origin is unreachable",
        524 => "A timeout occurred",
        525 => "SSL handshake failed",
        526 => "Invalid SSL certificate",
        _ => "Origin error",
    };
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><title>llmapi.resayil.io | {status}: {title}</title></head>\n\
         <body><h1>{title}</h1><p>Error code {status}</p><p>Cloudflare Ray ID: 0000000000000000</p></body>\n</html>\n"
    );
    Response::html(status, html).with("Server", "cloudflare").with("CF-RAY", "0000000000000000-KWI")
}
