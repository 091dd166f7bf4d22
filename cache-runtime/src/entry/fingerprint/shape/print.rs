//! A record as a number, and what can be relied on for types that have it.

use xxhash_rust::xxh3::xxh3_64;

use super::super::ask::Kind;
use super::super::{Fingerprint, Readability};
use super::{Node, NodeId, Shape};

/// Changes when the record is written down differently; entries of all types become misses.
const RECORD_VERSION: u8 = 1;

impl Shape {
    /// The record as a number.
    pub(in super::super) fn fingerprint(&self, readability: Readability) -> Fingerprint {
        let mut text = vec![RECORD_VERSION];
        self.write(Self::ROOT, &mut text);
        let is_compact = readability == Readability::Compact;
        let packs = is_compact && self.is_complete() && self.bounds_decoding();
        Fingerprint {
            hash: xxh3_64(&text),
            packs,
        }
    }

    /// Whether everything was seen.
    pub(in super::super) fn is_complete(&self) -> bool {
        !self.has_gaps && self.nodes.iter().all(Node::is_complete)
    }

    fn write(&self, node: NodeId, out: &mut Vec<u8>) {
        let here = &self.nodes[node];
        let Some(ask) = here.ask else {
            out.push(0);
            return;
        };
        out.push(ask.kind as u8);
        write_text(ask.name, out);
        write_length(ask.len, out);
        write_length(ask.members.len(), out);
        ask.members
            .iter()
            .for_each(|member| write_text(member, out));
        // By label, not by when they were found: two types may be explored in different orders.
        let mut children = here.children.clone();
        children.sort_unstable_by_key(|(label, _)| *label);
        write_length(children.len(), out);
        for (label, child) in children {
            write_length(label.choice, out);
            write_length(label.part, out);
            self.write(child, out);
        }
    }

    fn bounds_decoding(&self) -> bool {
        self.nodes
            .iter()
            .all(|node| match node.ask.map(|ask| ask.kind) {
                Some(Kind::Back) => false,
                Some(Kind::Seq | Kind::Map) => {
                    !node.children.iter().all(|(_, part)| self.is_nothing(*part))
                }
                _ => true,
            })
    }

    /// Whether its values take no bytes at all.
    fn is_nothing(&self, node: NodeId) -> bool {
        match self.nodes[node].ask.map(|ask| ask.kind) {
            Some(Kind::Unit | Kind::UnitStruct) => true,
            Some(Kind::Newtype | Kind::Struct | Kind::TupleStruct | Kind::Tuple) => {
                let mut parts = self.nodes[node].children.iter();
                parts.all(|(_, child)| self.is_nothing(*child))
            }
            _ => false,
        }
    }
}

impl Node {
    fn is_complete(&self) -> bool {
        let Some(ask) = self.ask else { return false };
        let succeeded = |choice: usize| self.choices.get(choice).is_some_and(|it| it.succeeded);
        match ask.kind {
            Kind::Any => false,
            Kind::Back => true,
            Kind::Enum => !self.choices.is_empty() && (0..self.choices.len()).all(succeeded),
            _ => (0..self.choices.len()).any(|it| Some(it) != ask.hollow() && succeeded(it)),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}
