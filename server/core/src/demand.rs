//! Tasks on demand: what a person asks for by a command, such as a review or an edit. Each is a prompt of chosen parts of code, and an answer
//! that counts for nothing until it is valid. It leaves reading files and calling models to the server, and completing while one types to `plan`.

mod anchor;
mod change;
mod comments;
mod context;
mod documented;
mod edit;
mod fences;
mod finding;
mod head;
mod imports;
mod instruction;
mod item;
mod joined;
mod message;
mod named;
mod part;
mod plan;
mod prompts;
mod prose;
mod said;
mod source;
mod style;
mod tested;
mod unfit;
mod valid;

pub use anchor::anchored;
pub use change::{Change, Hunk, unified};
pub use context::{Brief, HUNKS, Need, Review, Round, brief, lines, narrowed, part, pieces, review};
pub use edit::{Edit, Form, edits};
pub use fences::code_in;
pub use finding::{Finding, Fix, Read, Reviewed, Severity, findings, schema};
pub use instruction::{Instruction, MARK, instruction};
pub use item::Item;
pub use joined::{Joined, Joining, joined};
pub use message::message;
pub use named::{Find, Found, Name, Names, found, telling};
pub use part::{Part, PartKind};
pub use plan::{Inputs, PartSize, Plan, body, plan};
pub use prompts::Prompts;
pub use prose::prose;
pub use said::{is_refusal, said};
pub use source::Source;
pub use style::{Style, styled};
pub use unfit::Unfit;
pub use valid::{Scope, fits};
