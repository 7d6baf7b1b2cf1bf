//! A Markdown document as a play. A block ```` ```conf ```` is a mosquitto.conf, with which the
//! broker is started anew. A block ```` ```console ```` is a shell: what follows `$ ` is typed, `\`
//! at its end continues it, the other lines are what is shown. Such blocks without a word between
//! them are shells side by side: the broker has the subscription of each before the next begins.

use std::path::Path;

/// A document and the changes to be made in it.
pub(crate) struct Document {
    lines: Vec<String>,
    replacements: Vec<(Example, Vec<String>)>,
}

/// What is done at one place of it.
pub(crate) enum Step {
    /// The broker starts with this mosquitto.conf.
    Configuration(String),
    /// Shells side by side, each with its examples.
    Shells(Vec<Vec<Example>>),
}

/// A command and what it shows.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    /// The number of its first line, from 1.
    pub(crate) line: usize,
    /// What is typed.
    pub(crate) typed: String,
    /// The lines that come.
    pub(crate) shown: Vec<String>,
    /// Where these begin in the document, from 0.
    begins: usize,
}

impl Document {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("read the document");
        Self {
            lines: text.lines().map(str::to_owned).collect(),
            replacements: Vec::new(),
        }
    }

    /// What is done, in order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        // Whether a shell that comes now stands beside those of the last step.
        let mut beside = false;
        let mut number = 0;
        while let Some(line) = self.lines.get(number) {
            number += 1;
            let Some(language) = line.strip_prefix("```") else {
                beside &= line.is_empty();
                continue;
            };
            let begin = number;
            while self.lines[number] != "```" {
                number += 1;
            }
            let block = &self.lines[begin..number];
            number += 1;
            match language {
                "conf" => steps.push(Step::Configuration(block.join("\n") + "\n")),
                "console" => {
                    let shell = examples(block, begin);
                    match steps.last_mut() {
                        Some(Step::Shells(shells)) if beside => shells.push(shell),
                        _ => steps.push(Step::Shells(vec![shell])),
                    }
                }
                _ => {}
            }
            beside = language == "console";
        }
        steps
    }

    /// Puts what came in the place of what is shown.
    pub(crate) fn replace(&mut self, example: &Example, came: &[String]) {
        self.replacements.push((example.clone(), came.to_vec()));
    }

    pub(crate) fn write(mut self, path: &Path) {
        self.replacements
            .sort_by_key(|(example, _)| std::cmp::Reverse(example.begins));
        for (example, came) in self.replacements {
            let shown = example.begins..example.begins + example.shown.len();
            self.lines.splice(shown, came);
        }
        std::fs::write(path, self.lines.join("\n") + "\n").expect("write the document");
    }
}

fn examples(block: &[String], begin: usize) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut continued = false;
    for (offset, line) in block.iter().enumerate() {
        let typed = line.strip_prefix("$ ");
        match (examples.last_mut(), typed) {
            (Some(example), _) if continued => {
                example.typed = format!("{}\n{line}", example.typed);
                example.begins = begin + offset + 1;
            }
            (_, Some(typed)) => examples.push(Example {
                line: begin + offset + 1,
                typed: typed.to_owned(),
                shown: Vec::new(),
                begins: begin + offset + 1,
            }),
            (Some(example), None) => example.shown.push(line.clone()),
            (None, None) => panic!("line {}: a shell begins with `$ `", begin + offset + 1),
        }
        continued = (continued || typed.is_some()) && line.ends_with('\\');
    }
    examples
}
