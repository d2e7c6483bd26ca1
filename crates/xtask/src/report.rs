//! `cargo xtask report`: the reports of a batch in a real browser, on a desk and on a phone, light and dark.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use resayil_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::run;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Requests of the large batch
    #[arg(long, default_value_t = 20_000)]
    requests: u64,
    /// Write docs/report.png, the picture of the demo's report
    #[arg(long)]
    picture: bool,
}

/// The names under which the browser is known.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// The largest page, in bytes.
const MAX_BYTES: u64 = 1_000_000;
/// The longest time in which a page opens, in milliseconds.
const MAX_LOAD: f64 = 1000.0;
/// A desk and a phone: width and height in CSS pixels.
const SCREENS: [(&str, u32, u32); 2] = [("desk", 1080, 1400), ("phone", 390, 844)];
/// The part of the demo's report that the README shows.
const PICTURE: (u32, u32) = (1080, 1050);

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let Some(browser) = BROWSERS.into_iter().find(|name| run::exists(name, &["--version"])) else {
        run::say(&format!("not tried: this machine has none of {}", BROWSERS.join(", ")));
        return Ok(());
    };
    let folder = run::target_dir().join("report");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    run::run(run::cargo().args(["build", "--quiet", "--package", "resayil-cli"]))?;
    let browser = Browser { name: browser, folder: &folder };
    let demo = demo(&folder)?;
    let large = large(&folder, options.requests)?;
    for page in [&demo, &large] {
        browser.check(page)?;
    }
    let name = |page: &Path| page.file_stem().map(|it| it.to_string_lossy().into_owned());
    for page in [&demo, &large] {
        let name = name(page).unwrap_or_default();
        browser.picture(page, (1080, 3200), &folder.join(format!("{name}.png")))?;
    }
    if options.picture {
        browser.picture(&demo, PICTURE, &run::root().join("docs/report.png"))?;
    }
    run::say(&format!("pages and pictures are in {}", folder.display()));
    Ok(())
}

fn resayil() -> std::process::Command {
    run::command(run::target_dir().join("debug/resayil"))
}

/// The demo's report.
fn demo(folder: &Path) -> Result<PathBuf, String> {
    let page = folder.join("demo.html");
    let mut command = resayil();
    command.args(["demo", "--quiet", "--report"]).arg(&page).arg("--output");
    run::run(command.arg(folder.join("answers.jsonl")).stdout(Stdio::null()))?;
    Ok(page)
}

/// The report of a large batch, of which some requests fail.
fn large(folder: &Path, requests: u64) -> Result<PathBuf, String> {
    let (input, page) = (folder.join("in.jsonl"), folder.join("large.html"));
    let line = |index: u64| {
        let model = if index % 500 == 499 { "gone" } else { "mistral" };
        let message = json!({"role": "user", "content": "Hello"});
        let body = json!({"model": model, "messages": [message], "max_tokens": 16});
        let url = "/v1/chat/completions";
        let id = format!("request-{index}");
        json!({"custom_id": id, "method": "POST", "url": url, "body": body}).to_string() + "\n"
    };
    std::fs::write(&input, (0..requests).map(line).collect::<String>())
        .map_err(|error| format!("{}: {error}", input.display()))?;
    let sandbox = Sandbox::builder()
        .limit(3000)
        .window(Duration::from_secs(2))
        .fault_rate(0.01)
        .start()
        .map_err(|error| error.to_string())?;
    let mut command = resayil();
    command.env("RESAYIL_API_KEY", sandbox.api_key()).env("RESAYIL_BASE_URL", sandbox.base_url());
    command.args(["batch", "--quiet", "--concurrency", "64", "--window", "2", "--report"]);
    command.arg(&page).arg(&input).arg("-o").arg(folder.join("out.jsonl"));
    // Some are to fail, so its exit code is no news.
    run::say("$ resayil batch, on a sandbox");
    command.stderr(Stdio::null()).status().map_err(|error| error.to_string())?;
    Ok(page)
}

/// A browser without a window.
struct Browser<'a> {
    name: &'static str,
    folder: &'a Path,
}

impl Browser<'_> {
    /// Opens a page on each screen, light and dark.
    fn check(&self, page: &Path) -> Result<(), String> {
        let name = page.display();
        let size = std::fs::metadata(page).map_err(|error| format!("{name}: {error}"))?.len();
        let mut grounds = Vec::new();
        let mut slowest = 0f64;
        for (screen, width, height) in SCREENS {
            for dark in [false, true] {
                let seen = self.see(page, (width, height), dark)?;
                let load = seen["load"].as_f64().unwrap_or(f64::INFINITY);
                slowest = slowest.max(load);
                let bad =
                    |what: &str| Err(format!("{name}, {screen}, dark {dark}: {what}: {seen}"));
                if seen["told"] != 0 {
                    return bad("the console has errors");
                }
                if seen["plots"].as_u64() < Some(3) || seen["data"] != true {
                    return bad("plots or data are missing");
                }
                if seen["wide"] == true {
                    return bad("it is wider than the screen");
                }
                if seen["least"].as_f64().is_none_or(|size| size < 10.0) {
                    return bad("there is a text that is too small to read");
                }
                grounds.push(seen["ground"].clone());
            }
        }
        if grounds[0] == grounds[1] {
            return Err(format!("{name}: dark is not dark"));
        }
        if size > MAX_BYTES || slowest > MAX_LOAD {
            return Err(format!("{name}: {size} bytes, opened in {slowest:.0} ms: too much"));
        }
        run::say(&format!("{name}: good; {} kB, opened in {slowest:.0} ms at most", size / 1000));
        Ok(())
    }

    /// What there is to see on a screen of this size.
    fn see(&self, page: &Path, (width, height): (u32, u32), dark: bool) -> Result<Value, String> {
        // A window is at least 500 wide; a frame in it is not.
        let wrapper = self.folder.join("frame.html");
        let file = page.file_name().unwrap_or_default().to_string_lossy();
        let text = FRAME
            .replace("{page}", &file)
            .replace("{size}", &format!("{width}px;height:{height}px"));
        std::fs::write(&wrapper, text)
            .map_err(|error| format!("{}: {error}", wrapper.display()))?;
        let mut command = self.command((width.max(500), height), dark);
        command.args(["--allow-file-access-from-files", "--enable-logging=stderr", "--dump-dom"]);
        let output = command
            .arg(address(&wrapper))
            .output()
            .map_err(|error| format!("{}: {error}", self.name))?;
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let found =
            out.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next());
        let mut seen: Value = serde_json::from_str(found.unwrap_or_default())
            .map_err(|error| format!("{} showed nothing ({error}): {err}", self.name))?;
        seen["told"] = err.lines().filter(|line| line.contains(":CONSOLE")).count().into();
        Ok(seen)
    }

    fn picture(&self, page: &Path, size: (u32, u32), picture: &Path) -> Result<(), String> {
        let mut command = self.command(size, false);
        command.arg(format!("--screenshot={}", picture.display())).arg(address(page));
        run::run(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        if picture.exists() { Ok(()) } else { Err(format!("{} is missing", picture.display())) }
    }

    fn command(&self, (width, height): (u32, u32), dark: bool) -> std::process::Command {
        let mut command = run::command(self.name);
        command.args(["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
        // In a container there is none of its own, and it opens nothing but these pages.
        command.arg("--no-sandbox");
        command.arg(format!("--window-size={width},{height}"));
        command.arg(format!("--user-data-dir={}", self.folder.join("profile").display()));
        command.arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }));
        command
    }
}

fn address(page: &Path) -> String {
    format!("file://{}", page.display())
}

/// Shows a page in a frame, and says what is to be seen of it.
const FRAME: &str = r#"<!DOCTYPE html>
<html><body style="margin:0">
<iframe id="page" style="border:0;width:{size}" src="{page}"></iframe>
<pre id="seen"></pre>
<script>
addEventListener("load", () => {
  const frame = document.getElementById("page"), view = frame.contentWindow, inside = view.document;
  const shown = [...inside.querySelectorAll("svg")].filter(it => it.getBoundingClientRect().height > 100);
  const texts = [...inside.querySelectorAll("main *")].filter(it => it.childElementCount === 0 && it.textContent.trim());
  const size = it => {
    const svg = it.closest("svg");
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    return scale * parseFloat(view.getComputedStyle(it).fontSize);
  };
  const visible = texts.filter(it => it.getBoundingClientRect().height > 0);
  const timing = view.performance.getEntriesByType("navigation")[0];
  document.getElementById("seen").textContent = JSON.stringify({
    plots: shown.length,
    data: JSON.parse(inside.getElementById("data").textContent).total > 0,
    wide: inside.documentElement.scrollWidth > view.innerWidth,
    least: Math.min(...visible.map(size)),
    ground: view.getComputedStyle(inside.body).backgroundColor,
    load: timing.domComplete,
  });
});
</script>
</body></html>
"#;
