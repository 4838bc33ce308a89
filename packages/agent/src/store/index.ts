export { openDocument, type StoredDocument } from './document.ts';
export { EventLog, numberAfterLoss } from './event-log.ts';
export { type Journal, openJournal, readJournal } from './journal.ts';
export { orNewerEvent } from './newer-event.ts';
export { isFull, NotRecorded, notWritten } from './not-written.ts';
export { isNotThere, type OnProblem, words } from './set-aside.ts';
