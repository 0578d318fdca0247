//! Reads HTTP/1.1 messages as plainly as can be, to compare them and to know where they end.
//!
//! Compared are the first line and the body as they are, and the fields without regard to case and order of their names.
//! `date` is left out: the gateway adds it where it is missing.

/// A message in a form that can be compared, and how many bytes it took; none when it is not whole yet.
pub(crate) fn first(bytes: &[u8], bodiless: bool) -> Option<(String, usize)> {
    let head_end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    let mut fields: Vec<String> = lines
        .map(|line| line.split_once(':').unwrap_or((line, "(no colon)")))
        .map(|(name, value)| format!("{}: {}", name.to_ascii_lowercase(), value.trim()))
        .filter(|field| !field.starts_with("date: "))
        .collect();
    fields.sort();
    let value = |name: &str| fields.iter().find_map(|field| field.strip_prefix(name)).map(str::to_owned);
    let rest = &bytes[head_end..];
    let status = start.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let none = bodiless
        || status.is_some_and(|status| status.starts_with('1') || status == "204" || status == "304");
    let (body, length) = if none {
        (String::new(), 0)
    } else if value("transfer-encoding: ").is_some() {
        chunks(rest)?
    } else if let Some(length) = value("content-length: ") {
        let length: usize = length.parse().ok()?;
        (String::from_utf8_lossy(rest.get(..length)?).into_owned(), length)
    } else if status.is_some() {
        // It ends with the connection: what is there is all that there will be, once it is asked for.
        (String::from_utf8_lossy(rest).into_owned(), rest.len())
    } else {
        (String::new(), 0)
    };
    Some((format!("{start}\n{}\n\n{body}", fields.join("\n")), head_end + length))
}

/// All messages; what is left over at the end is told as it is.
pub(crate) fn all(mut bytes: &[u8], bodiless: bool) -> Vec<String> {
    let mut messages = vec![];
    while !bytes.is_empty() {
        match first(bytes, bodiless) {
            Some((message, length)) => {
                messages.push(message);
                bytes = &bytes[length..];
            }
            None => {
                messages.push(format!("(cut) {}", without_date(bytes)));
                break;
            }
        }
    }
    messages
}

fn without_date(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let kept: Vec<&str> = text.split("\r\n").filter(|line| !line.starts_with("date: ")).collect();
    kept.join("\r\n")
}

fn chunks(mut rest: &[u8]) -> Option<(String, usize)> {
    let whole = rest.len();
    let mut data = vec![];
    loop {
        let line = find(rest, b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            break;
        }
        data.extend(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut text = String::from_utf8_lossy(&data).into_owned();
    loop {
        let line = find(rest, b"\r\n")?;
        if line > 0 {
            text.push_str(&format!("\n(trailer) {}", String::from_utf8_lossy(&rest[..line])));
        }
        rest = &rest[line + 2..];
        if line == 0 {
            return Some((text, whole - rest.len()));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
