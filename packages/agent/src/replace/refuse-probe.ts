import type { Probe } from '@towline/core/protocol';
import type { Refusal } from '@towline/core/rules';
import type { Engine, EngineInfo } from '../engine/index.ts';
import type { DerivedCreate } from './derive-create.ts';
import { findReach } from './find-reach.ts';
import { isHealthcheck } from './gate.ts';
import { type JsonObject, object, texts } from './json.ts';
import { viewOfRequest } from './probe-reach.ts';
import { probeWords } from './probe-words.ts';

/**
 * A probe that can't be asked would fail whatever runs there. Nothing to refuse where the new container has a healthcheck,
 * its own or the image's (`imageConfig` is the image's `Config`): that is asked in the probe's place. Rejects with `EngineError`.
 */
export async function refuseProbe(
  { engine, info }: { engine: Engine; info: EngineInfo },
  { container, probe }: { container: string; probe?: Probe | undefined },
  derived: Pick<DerivedCreate, 'body' | 'connect'> | undefined,
  imageConfig: JsonObject,
): Promise<Refusal | undefined> {
  if (probe === undefined || derived === undefined) return undefined;
  const own = object(derived.body.Healthcheck);
  const check = Object.keys(own).length > 0 ? own : object(imageConfig.Healthcheck);
  if (isHealthcheck({ Test: texts(check.Test) })) return undefined;
  const reach = await findReach(engine, info.rootless, viewOfRequest(derived), probe.check);
  if (reach.kind !== 'never') return undefined;
  return {
    code: 'probe-unreachable',
    message: `${container} can't be asked ${probeWords(probe.check)}: ${reach.why}. Change that, or take \`probe\` out of the map file.`,
    container,
  };
}
