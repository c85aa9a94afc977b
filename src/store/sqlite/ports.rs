use std::mem;
use std::ops::ControlFlow;

use tokio::sync::mpsc;

use super::super::PAGE;
use super::cursor::hand_on;
use super::told::Told;

/// Rows that come port by port, as an index has them → pages of [`PAGE`] in
/// the order of reports.
///
/// The rows of one port are held until the last of them is read: as many as
/// names are asked for there.
pub(super) struct Ports<'a> {
    pages: &'a mpsc::Sender<Vec<Told>>,
    page: Vec<Told>,
    /// How many rows of the page are of ports before the latest, in order.
    in_order: usize,
}

impl<'a> Ports<'a> {
    pub(super) fn handed_on(pages: &'a mpsc::Sender<Vec<Told>>) -> Self {
        Self {
            pages,
            page: Vec::with_capacity(PAGE),
            in_order: 0,
        }
    }

    /// The next row; breaks when nobody takes any more.
    pub(super) fn push(&mut self, row: Told) -> ControlFlow<()> {
        let latest = self.page.last();
        if !latest.is_some_and(|latest| latest.is_at_port_of(&row)) {
            self.order();
            if self.page.len() >= PAGE {
                self.hand_on()?;
            }
        }
        self.page.push(row);
        ControlFlow::Continue(())
    }

    /// There are no more rows.
    pub(super) fn end(&mut self) -> ControlFlow<()> {
        self.order();
        self.hand_on()
    }

    /// Puts the rows of the latest port in order.
    fn order(&mut self) {
        if let Some(latest) = self.page.get_mut(self.in_order..) {
            latest.sort_by(|one, other| one.order().cmp(&other.order()));
        }
        self.in_order = self.page.len();
    }

    fn hand_on(&mut self) -> ControlFlow<()> {
        let rows = mem::replace(&mut self.page, Vec::with_capacity(PAGE));
        self.in_order = 0;
        if rows.len() <= PAGE {
            return hand_on(rows, self.pages);
        }
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            hand_on(rows.by_ref().take(PAGE).collect(), self.pages)?;
        }
        ControlFlow::Continue(())
    }
}
