import { sanitizeLine } from '../../components/index.ts';
import type { NoticeTone } from '../request.ts';
import type { World } from '../world.ts';
import type { Model } from './model.ts';

/** How long a notice stays that no key takes away. */
const NOTICE_MS = 8_000;

export function notify(model: Model, tone: NoticeTone, text: string, world: World): Model {
  // It may be of somebody else's making: an agent's, a registry's, a git server's.
  const plain = sanitizeLine(text.replaceAll('\n', ' '));
  return { ...model, notice: { text: plain, tone, until: world.now + NOTICE_MS } };
}
