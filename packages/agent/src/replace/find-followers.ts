import { err, ok, type Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import type { ContainerInspect, Engine, EngineInfo, ImageInspect } from '../engine/index.ts';
import type { DerivedCreate } from './derive-create.ts';
import { deriveFor } from './derive-for.ts';
import { followersOf } from './followers.ts';
import type { GateWishes } from './gate.ts';
import { type JsonObject, jsonOf } from './json.ts';
import { lookAtTies } from './look-at-ties.ts';
import { ofItsImage } from './of-its-image.ts';
import { ranWell } from './recovery.ts';
import type { Becomes } from './steps.ts';
import { type Tie, tiesOf, tieWords } from './ties.ts';

/** What a job has to know of containers that nobody chose for it. */
export interface Surroundings {
  /** Whether it is the container that this agent runs in. */
  isOwn(id: string): boolean;
  /** Whether it is an old one that an earlier job left, stopped. */
  isKept(id: string, name: string): boolean;
  /** Takes containers, by name, for this job; returns the job that has one of them already. */
  claim(containers: readonly string[]): string | undefined;
  /** What the map says of a container's check, and of what comes before it. */
  wishesOf(container: string): GateWishes & { after: readonly string[] };
}

/** A container that is created again, of its own image, because it hangs on one that is exchanged. */
export interface Follower {
  container: string;
  old: ContainerInspect;
  image: ImageInspect;
  derived: DerivedCreate;
  ties: readonly Tie[];
  becomes: Becomes;
}

export interface FollowerSearch {
  engine: Engine;
  info: EngineInfo;
  jobId: string;
  /** What is exchanged, by name; `body` is the request of one that is created for the first time. */
  chosen: readonly { container: string; body?: JsonObject | undefined }[];
  surroundings: Surroundings;
  allowAutoRemove?: boolean | undefined;
}

export interface Found {
  followers: readonly Follower[];
  /** What a chosen container hangs on, of all that is exchanged, by name. */
  tiesOf: (container: string) => readonly Tie[];
}

/**
 * Looks for all that hangs on what is exchanged, whether the map names it or not. Errors: the refusal, where one of them
 * could not be created again, or not be brought back. Rejects with `EngineError`.
 */
export async function findFollowers(search: FollowerSearch): Promise<Result<Found, Refusal>> {
  const { engine, chosen, surroundings } = search;
  const all = (await lookAtTies(engine)).filter(({ id, name }) => !surroundings.isKept(id, name));
  const byName = new Map(all.map((container) => [container.name, container]));
  const existing = chosen.filter(({ body }) => body === undefined);
  const exchanged = existing.flatMap(({ container }) => byName.get(container)?.id ?? []);
  const hanging = followersOf(all, exchanged);
  const names = new Map(
    all
      .filter(({ id }) => exchanged.includes(id) || hanging.some((follower) => follower.id === id))
      .map(({ id, name }) => [id, name]),
  );
  // One that is still to be created says a name, also of one that is not there yet.
  const together = new Set([...names.values(), ...chosen.map(({ container }) => container)]);
  const inJob = (ties: readonly Tie[]) =>
    ties.map(({ kind, to }) => ({ kind, to: names.get(to) ?? to })).filter(({ to }) => together.has(to));

  const holder = surroundings.claim(hanging.map(({ name }) => name));
  const followers: Follower[] = [];
  for (const { id, name } of hanging) {
    const seen = all.find((container) => container.id === id);
    if (seen === undefined) continue;
    const ties = inJob(seen.ties);
    const [root = ''] = ties.map(({ to }) => to);
    const refuse = (code: Refusal['code'], why: string) =>
      err({
        code,
        message: `${root} can't be exchanged alone: ${name} ${tieWords(ties)}, and would have to be created again with it. ${why}`,
        container: root,
      });
    if (holder !== undefined) {
      return refuse('job-running', `The job ${holder} is at it: wait for its end, or cancel it.`);
    }
    if (surroundings.isOwn(id)) {
      return refuse('own-container', 'This agent runs in it, and would end half-way. Take the two apart.');
    }
    const image = await engine.inspectImage(seen.inspect.Image);
    const derived = await deriveFor({
      engine,
      info: search.info,
      jobId: search.jobId,
      old: seen.inspect,
      oldImage: image,
      ref: seen.inspect.Config.Image,
      allowAutoRemove: search.allowAutoRemove,
    });
    if (!derived.ok) return refuse(derived.error.code, derived.error.message);
    if (image === undefined) throw new Error(`the image of ${name} was derived from and is not there`);
    followers.push({
      container: name,
      old: seen.inspect,
      image,
      derived: { ...derived.value, body: await ofItsImage(engine, derived.value.body, image.Id) },
      ties,
      becomes: becomesOf(seen.inspect),
    });
  }
  return ok({
    followers,
    tiesOf: (container) => {
      const body = chosen.find((each) => each.container === container)?.body;
      const ties = body === undefined ? byName.get(container)?.ties : tiesOf(body);
      return inJob(ties ?? []).filter(({ to }) => to !== container);
    },
  });
}

/** As it was: one that did not run does not run, and one that was unwell is not asked to be better. */
function becomesOf(container: ContainerInspect): Becomes {
  if (!container.State.Running) return 'stopped';
  return ranWell(jsonOf(container)) ? 'checked' : 'started';
}
