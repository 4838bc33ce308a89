import { type BatchEvent, beginBatch, reduceBatch } from '@towline/core/plan';
import type { Effect, Message } from './message.ts';

/** What is told of an execution after some events; for tests. */
export function progressAfter(effects: readonly Effect[], ...events: readonly BatchEvent[]): Message {
  const effect = effects.find(({ type }) => type === 'execute');
  if (effect?.type !== 'execute') throw new Error('nothing was executed');
  const { execution, plans, builds } = effect;
  return { type: 'progress', execution, progress: events.reduce(reduceBatch, beginBatch(plans, builds)) };
}
