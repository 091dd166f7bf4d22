//! Ends primaries and moves slots under a load of 64 tasks, and says for how long that was felt.
//!
//! `failover [seconds] [scene ..]`: the scenes are `restart`, `sentinel`, `switch`, `cluster`,
//! `silence` and `slots`; without a name, all of them. It fails if a caller got a wrong answer, or
//! if the hits took longer to return than is promised.

mod load;
mod scenes;

use std::process::ExitCode;
use std::time::Duration;

use load::Felt;
use scenes::Scene;

#[tokio::main]
async fn main() -> ExitCode {
    let (mut time, mut scenes) = (Duration::from_secs(20), Vec::new());
    for argument in std::env::args().skip(1) {
        match (argument.parse(), Scene::named(&argument)) {
            (Ok(seconds), _) => time = Duration::from_secs(seconds),
            (_, Some(scene)) => scenes.push(scene),
            _ => {
                eprintln!("`{argument}` is neither a number of seconds nor a scene");
                return ExitCode::FAILURE;
            }
        }
    }
    if scenes.is_empty() {
        scenes.extend(Scene::ALL);
    }
    let mut is_good = true;
    println!("{}", Felt::HEADINGS);
    for scene in scenes {
        let felt = scene.run(time).await;
        println!("{}", felt.line(scene.name()));
        is_good &= felt.is_within(scene.limit());
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
