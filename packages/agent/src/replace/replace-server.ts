import { setTimeout as wait } from 'node:timers/promises';
import type { JobTask, UpdateOrder } from '@towline/core/job';
import type { Refusal } from '@towline/core/rules';
import {
  type ContainerInspect,
  type Engine,
  EngineError,
  type EngineInfo,
  type ImageInspect,
  paceProgress,
} from '../engine/index.ts';
import type { Manifest, Registry } from '../registry/index.ts';
import { NotRecorded } from '../store/index.ts';
import { compareContainers } from './compare-containers.ts';
import type { CreateBody, DerivedCreate } from './derive-create.ts';
import { deriveFor } from './derive-for.ts';
import { findFollowers, type Surroundings } from './find-followers.ts';
import { exchangeOrder } from './followers.ts';
import { type GateWishes, gateRule, gateWords } from './gate.ts';
import { GateWatch } from './gate-watch.ts';
import type { JobWriter } from './job-record.ts';
import { jsonOf } from './json.ts';
import {
  CANCELLED,
  keepLog,
  keptOf,
  LEFT,
  type Recovered,
  type Recreate,
  recoverServer,
} from './recover-server.ts';
import { holdsRestart, removesItself, savedPolicy, wasRunning } from './recovery.ts';
import { refuseProbe } from './refuse-probe.ts';
import { type ChosenImage, pulledBefore, resolveImage, wrongPlatform } from './resolve-image.ts';
import { restoredWords } from './restored-words.ts';
import { refuseRoom } from './room-for.ts';
import type { SavedContainer } from './saved.ts';
import { startContainer } from './start-container.ts';
import {
  type Becomes,
  nextName,
  planSteps,
  previousName,
  type Step,
  type StepUnit,
  startsFirst,
  touchesService,
} from './steps.ts';
import { drain, giveNames, namedConnections, withdrawNames, withoutAliases } from './take-over.ts';
import { tellStanding } from './tell-standing.ts';
import { type Tie, tieSetting, tieWords } from './ties.ts';
import { updateOrder } from './update-order.ts';

/** One container that is exchanged. */
interface Exchanged extends GateWishes {
  container: string;
  /** The image's name with the tag. */
  ref: string;
  /** Whether the engine has it; otherwise it is created from `definition`. */
  exists: boolean;
  /** The containers of its server that the map says come before it, directly or over others. */
  after: readonly string[];
  /** Decided by `updateOrder`; `stop-first` unless said. */
  order?: UpdateOrder;
  /** The request that creates it anew, less image and labels; there where it does not exist. */
  definition?:
    | { body: CreateBody; networks: readonly string[]; connect: DerivedCreate['connect'] }
    | undefined;
}

/** One that is to run another image. */
export interface ReplaceTask extends Exchanged, ChosenImage {
  from: JobTask['from'];
}

export interface ReplaceOptions {
  engine: Engine;
  registry: Registry;
  info: EngineInfo;
  jobId: string;
  server: string;
  tasks: readonly ReplaceTask[];
  surroundings: Surroundings;
  /** Whether a container that the engine deletes when it stops may be exchanged. */
  allowAutoRemove?: boolean | undefined;
  write: JobWriter;
  /** Aborted when the operator cancels; looked at up to the commit. */
  cancel: AbortSignal;
  /** Aborted when the agent ends. */
  ending: AbortSignal;
  patienceMs: number;
  recreate: Recreate;
}

export type Replaced = Recovered | { state: 'REFUSED'; refusal: Refusal };

/** The one way by which a step says that the sequence does not go on. */
class Stop extends Error {
  readonly why: { refusal: Refusal } | { code: string } | 'cancelled';
  constructor(why: Stop['why'], message: string) {
    super(message);
    this.why = why;
  }
}

/** What is found out about one container on the way. */
interface Work {
  task: Exchanged;
  /** Absent from one that nobody chose, which is created again because it hangs on another. */
  chosen?: ReplaceTask;
  /** On which others of this update it hangs, by name. */
  ties: readonly Tie[];
  becomes: Becomes;
  old?: ContainerInspect;
  oldImage?: ImageInspect;
  image?: ImageInspect | undefined;
  manifest?: Manifest;
  /** The registry's digest of the tag. */
  digest?: string;
  derived?: DerivedCreate;
  saved?: SavedContainer;
  next?: ContainerInspect;
  watch?: GateWatch;
}

/**
 * Exchanges the containers of one server: all of them, or none. Emits every event of the job between `started` and
 * `ended`, `refused`, `failed` and `degraded` included, and leaves `ended` to its caller.
 */
export async function replaceServer(options: ReplaceOptions): Promise<Replaced> {
  return new Replacement(options).run();
}

class Replacement {
  readonly #options: ReplaceOptions;
  /** In the order in which they are exchanged. */
  #works: readonly Work[];
  /** Set with the first container that is created: from then on there is something to put back. */
  #saved: readonly SavedContainer[] = [];
  #touched = false;
  /** The containers whose old one was asked to stop, and not seen to. */
  readonly #stopping = new Set<string>();
  /** Ends what waits: the operator cancels, or the agent ends. */
  readonly #stopWaiting: AbortSignal;
  #failedStep: Step | undefined;

  constructor(options: ReplaceOptions) {
    this.#options = options;
    this.#stopWaiting = AbortSignal.any([options.cancel, options.ending]);
    this.#works = options.tasks.map((task) => ({ task, chosen: task, ties: [], becomes: 'checked' }));
  }

  async run(): Promise<Replaced> {
    try {
      await this.#takeInFollowers();
      const steps = this.#plan();
      // The registry is asked for all tags at once; everything after that goes one by one.
      const lookUps = steps.filter((step) => step.kind === 'resolve');
      const looked = await Promise.allSettled(lookUps.map((step) => this.#perform(step)));
      for (const result of looked) {
        if (result.status === 'rejected') throw result.reason;
      }
      for (const step of steps) {
        if (step.kind === 'pull' || step.kind === 'inspect') await this.#perform(step);
      }
      // A pull takes its time: what hangs on what is looked at again.
      await this.#takeInFollowers();
      const again = this.#plan(steps);
      for (const step of again.filter(({ kind }) => !BEFORE_THE_FIRST.has(kind))) await this.#perform(step);
      return { state: 'DONE', kept: keptOf(this.#saved) };
    } catch (error) {
      return await this.#giveUp(error);
    } finally {
      for (const { watch } of this.#works) watch?.close();
    }
  }

  /** Tells the plan, where it is another one than before. */
  #plan(before?: readonly Step[]): Step[] {
    const { write, server } = this.#options;
    const units = this.#works.map(
      ({ task: { container, exists, order }, chosen, ties, becomes }): StepUnit => ({
        container,
        exists,
        order,
        chosen: chosen !== undefined,
        ties,
        becomes,
      }),
    );
    const steps = planSteps(server, units);
    const ids = (of: readonly Step[]) => of.map(({ id }) => id).join(' ');
    if (before === undefined || ids(before) !== ids(steps)) write.emit({ type: 'planned', steps });
    return steps;
  }

  /** What hangs on what is exchanged is exchanged as well, for one of its own image. */
  async #takeInFollowers(): Promise<void> {
    const { engine, info, jobId, surroundings, allowAutoRemove } = this.#options;
    const chosen = this.#works.filter((work) => work.chosen !== undefined);
    const found = await findFollowers({
      engine,
      info,
      jobId,
      chosen: chosen.map(({ task: { container, exists, definition } }) => ({
        container,
        body: exists ? undefined : (definition?.body ?? {}),
      })),
      surroundings,
      allowAutoRemove,
    });
    if (!found.ok) throw refuse(found.error);
    const followers = found.value.followers.map(({ container, old, image, derived, ties, becomes }): Work => {
      const { after, ...wishes } = surroundings.wishesOf(container);
      const task = { container, ref: old.Config.Image, exists: true, after, ...wishes };
      return { task, ties, becomes, old, oldImage: image, image, derived };
    });
    for (const work of chosen) work.ties = found.value.tiesOf(work.task.container);
    const asUnit = (work: Work) => ({ ...work.task, ties: work.ties, work });
    this.#works = exchangeOrder(chosen.map(asUnit), followers.map(asUnit)).map(({ work }) => work);
    for (const work of followers) {
      if (work.becomes !== 'checked' || work.image === undefined) continue;
      demand(await refuseProbe(this.#options, work.task, work.derived, jsonOf(work.image.Config)));
    }
  }

  async #perform(step: Step): Promise<void> {
    const { write, cancel, ending } = this.#options;
    if (cancel.aborted) throw cancelled();
    // Between the stop and the start nothing serves: an agent that ends does both first.
    if (ending.aborted && step.kind !== 'start-new') throw cancelled();
    if (touchesService(step.kind)) this.#touched = true;
    const detail = this.#detailOf(step);
    write.emit({
      type: 'step-started',
      step: step.id,
      kind: step.kind,
      container: step.container,
      ...(detail !== undefined && { detail }),
    });
    try {
      const message = await this.#do(step);
      const skipped = message === SKIPPED;
      write.emit({
        type: 'step-ended',
        step: step.id,
        state: skipped ? 'SKIPPED' : 'DONE',
        ...(message !== undefined && !skipped && { message }),
      });
    } catch (error) {
      this.#failedStep ??= step;
      const wasCancelled = error instanceof Stop && error.why === 'cancelled';
      const said = error instanceof Error ? error.message : String(error);
      const message = wasCancelled && !cancel.aborted ? LEFT : said;
      write.emit({ type: 'step-ended', step: step.id, state: wasCancelled ? 'CANCELLED' : 'ERROR', message });
      throw error;
    }
  }

  /** What a step waits for, where its kind does not say it. */
  #detailOf({ kind, container }: Step): string | undefined {
    const work = this.#works.find(({ task }) => task.container === container);
    if (work === undefined) return undefined;
    if (kind === 'gate') return work.next && gateWords(gateRule(work.next, work.task));
    // Whoever chose another container has to see why this one is touched.
    const because = kind === 'create' || kind === 'stop-old';
    return because && work.chosen === undefined ? tieWords(work.ties) : undefined;
  }

  /** Returns a word for people about what was done, where there is one to say. */
  #do(step: Step): Promise<string | undefined> {
    if (step.kind === 'commit') return this.#commit();
    const work = this.#works.find(({ task }) => task.container === step.container);
    if (work === undefined) throw new Error(`no container for the step ${step.id}`);
    switch (step.kind) {
      case 'resolve':
        return this.#resolve(work);
      case 'pull':
        return this.#pull(work, step);
      case 'inspect':
        return this.#inspect(work);
      case 'create':
        return this.#create(work);
      case 'hold-restart':
        return this.#holdRestart(work);
      case 'stop-old':
        return this.#stopOld(work);
      case 'start-new':
        return this.#startNew(work);
      case 'gate':
        return this.#gate(work, step);
      case 'take-over':
        return this.#takeOver(work);
      case 'rename':
        return this.#rename(work);
      case 'drain':
        return this.#drain(work);
      case 'await-build':
      case 'restore':
      case 'cleanup':
        throw new Error(`${step.kind} is not a step of the sequence`);
    }
  }

  async #resolve(work: Work): Promise<string | undefined> {
    const chosen = chosenOf(work);
    const { container, tag, from } = chosen;
    const found = await resolveImage({ ...this.#options, signal: this.#stopWaiting }, chosen);
    if (this.#stopWaiting.aborted) throw cancelled();
    if (!found.ok) throw refuse(found.error);
    const { digest, present, manifest, message } = found.value;
    if (digest !== undefined) work.digest = digest;
    if (manifest !== undefined) work.manifest = manifest;
    work.image = present;
    this.#options.write.emit({
      type: 'resolved',
      container,
      ...(from !== undefined && { from }),
      to: { tag, ...(digest !== undefined && { digest }) },
    });
    return message;
  }

  async #pull(work: Work, step: Step): Promise<string | undefined> {
    const { engine, registry, write } = this.#options;
    const { ref, image, tag, local, kept } = chosenOf(work);
    if (local !== undefined) return 'built here';
    if (kept !== undefined) return 'already there';
    // Only `latest` is pulled whatever is there: the operator asked for exactly that.
    if (tag !== 'latest') work.image = await pulledBefore(engine, { ref }, work.digest);
    if (work.image !== undefined) return 'already there';
    demand(work.manifest && (await refuseRoom(this.#options, work.task, work.manifest)));
    const progress = paceProgress((current, total, detail) =>
      write.emit({
        type: 'step-progress',
        step: step.id,
        current,
        ...(total !== undefined && { total }),
        detail,
      }),
    );
    const auth = await registry.engineAuth(image);
    const pulled = await engine.pull(ref, { onProgress: progress.report, signal: this.#stopWaiting, auth });
    progress.flush();
    if (!pulled.ok) {
      if (this.#stopWaiting.aborted) throw cancelled();
      throw new Stop({ code: pulled.error.code }, pulled.error.message);
    }
    return undefined;
  }

  /** Pins the image and derives the request. Nothing is touched yet, so what a rule has against it refuses the job. */
  async #inspect(work: Work): Promise<undefined> {
    const { engine, info, jobId, allowAutoRemove } = this.#options;
    const { container, ref } = work.task;
    work.image ??= await engine.inspectImage(ref);
    const { image, task } = work;
    if (image === undefined) {
      throw new Stop({ code: 'image-gone' }, `${ref} was pulled and is gone again. Execute again.`);
    }
    if (task.exists) {
      const old = await engine.inspectContainer(container);
      if (old === undefined) {
        throw new Stop({ code: 'container-gone' }, `${container} was removed meanwhile. Execute again.`);
      }
      const oldImage = await engine.inspectImage(old.Image);
      work.old = old;
      const derived = await deriveFor({ engine, info, jobId, old, oldImage, ref, allowAutoRemove });
      if (!derived.ok) throw refuse(derived.error);
      work.derived = derived.value;
      // Asked again, of what is there now.
      const order = updateOrder(task.order, jsonOf(old), derived.value);
      if (!order.ok) throw refuse(order.error);
      if (oldImage !== undefined) work.oldImage = oldImage;
    } else if (task.definition !== undefined) {
      work.derived = task.definition;
    }
    demand(wrongPlatform(image, work.oldImage, info, work.task));
    demand(await refuseProbe(this.#options, task, work.derived, jsonOf(image.Config)));
    return undefined;
  }

  async #create(work: Work): Promise<string | undefined> {
    const { engine, write } = this.#options;
    if (this.#saved.length === 0) {
      const saved = this.#works.map((each) => this.#save(each));
      await write.record({ record: 'saved', containers: saved });
      this.#saved = saved;
    }
    const { image, saved, task } = work;
    const derived =
      startsFirst({ order: task.order, ties: work.ties }) && work.derived !== undefined
        ? withoutAliases(work.derived)
        : work.derived;
    if (derived === undefined || image === undefined || saved === undefined)
      throw new Error('create before inspect');
    for (const network of task.definition?.networks ?? []) await engine.ensureNetwork(network);
    // By its name, so that whoever lists containers sees which version it is; what counts is that it is the pinned one.
    const pinned = { ...derived.body, Image: image.Id };
    // What ran before may have lost its tag since then.
    const named = work.chosen?.kept === undefined || (await engine.inspectImage(task.ref))?.Id === image.Id;
    let next = await this.#createAs(saved.nextName, derived, named ? derived.body : pinned);
    if (next.Image !== image.Id) {
      await engine.removeContainer(next.Id, { force: true });
      next = await this.#createAs(saved.nextName, derived, pinned);
    }
    work.next = next;
    const compared = this.#compare(work, next);
    return work.chosen === undefined ? `${tieWords(work.ties)}; ${compared}` : compared;
  }

  /** Before the old one is touched: what somebody would look for who finds the new one changed. */
  #compare(work: Work, next: ContainerInspect): string | undefined {
    const { old, oldImage, image, derived, task } = work;
    if (old === undefined || oldImage === undefined || image === undefined || derived === undefined) {
      return undefined;
    }
    const all = compareContainers({
      old: jsonOf(old),
      oldImage: jsonOf(oldImage),
      next: jsonOf(next),
      newImage: jsonOf(image),
      body: derived.body,
      namesLater: startsFirst({ order: task.order, ties: work.ties }),
    });
    // That it hangs on the new one is what it is created again for.
    const moved = new Set(work.ties.map(tieSetting));
    const changes = all.filter(({ setting }) => !moved.has(setting));
    this.#options.write.emit({ type: 'compared', container: task.container, changes });
    if (changes.length === 0) return 'the same settings';
    return changes.length === 1 ? '1 setting differs' : `${changes.length} settings differ`;
  }

  async #createAs(name: string, derived: DerivedCreate, body: CreateBody): Promise<ContainerInspect> {
    const { engine } = this.#options;
    const { id } = await engine.createContainer(name, body);
    for (const { network, endpoint } of derived.connect) await engine.connectNetwork(network, id, endpoint);
    const next = await engine.inspectContainer(id);
    if (next === undefined)
      throw new Stop({ code: 'container-gone' }, `${name} was removed as soon as it was created.`);
    return next;
  }

  #save(work: Work): SavedContainer {
    const { jobId } = this.#options;
    const { task, old, image } = work;
    if (image === undefined) throw new Error('save before inspect');
    const saved: SavedContainer = {
      container: task.container,
      nextName: nextName(task.container, jobId),
      previousName: previousName(task.container, jobId),
      settleSeconds: task.settleSeconds,
      ...(task.probe !== undefined && { probe: task.probe }),
      follows: work.ties.map(({ to }) => to),
      becomes: work.becomes,
      image: { ref: task.ref, id: image.Id },
      ...(old !== undefined && { old: { id: old.Id, inspect: jsonOf(old) } }),
    };
    work.saved = saved;
    return saved;
  }

  async #holdRestart(work: Work): Promise<string | undefined> {
    const { saved, old } = existing(work);
    const policy = savedPolicy(saved);
    // A stopped container that restarts always comes back with its engine, and would serve beside the new one.
    if (policy === undefined || holdsRestart(policy)) return SKIPPED;
    try {
      await this.#options.engine.setRestartPolicy(old.Id, { Name: 'no' });
      return undefined;
    } catch (error) {
      // Podman 4 has no way to: what is kept would come back with the machine, so it is not kept.
      const unknown = error instanceof EngineError && error.code === 'not-found';
      if (!unknown || (await this.#options.engine.inspectContainer(old.Id)) === undefined) throw error;
      return 'this engine can’t: the old container is not kept after the commit';
    }
  }

  async #stopOld(work: Work): Promise<string | undefined> {
    const { saved, old } = existing(work);
    const { container } = saved;
    if (startsFirst({ order: work.task.order, ties: work.ties })) await this.#demandServing(work);
    // The gate's ear is open before the start, and the start comes right after the stop: nothing is written in between.
    // One that hangs on another stops with that, and has no new one yet.
    await Promise.all([
      work.next === undefined ? undefined : this.#watch(work),
      this.#options.write.record({ record: 'stopping', container }),
    ]);
    if (!wasRunning(saved)) return SKIPPED;
    this.#stopping.add(container);
    await this.#options.engine.stopContainer(old.Id);
    if (removesItself(saved)) await this.#gone(old.Id);
    this.#stopping.delete(container);
    return undefined;
  }

  /** Start-first the old one is all that serves where the new one ended, or was removed, after it had passed. */
  async #demandServing({ next, task }: Work): Promise<void> {
    const state = next && (await this.#options.engine.inspectContainer(next.Id))?.State;
    if (state?.Running === true && !state.Restarting) return;
    throw new Stop(
      { code: 'container-gone' },
      `The new ${task.container} passed, and does not run any more.`,
    );
  }

  /** Its name is free only when the engine has removed it, which it does a moment after the stop. */
  async #gone(id: string): Promise<void> {
    for (let left = REMOVAL_PATIENCE_MS; left > 0; left -= REMOVAL_INTERVAL_MS) {
      if ((await this.#options.engine.inspectContainer(id)) === undefined) return;
      await wait(REMOVAL_INTERVAL_MS);
    }
  }

  async #startNew(work: Work): Promise<undefined> {
    const { engine } = this.#options;
    const { next } = created(work);
    await this.#watch(work);
    await startContainer(engine, next.Id);
    return undefined;
  }

  async #watch(work: Work): Promise<void> {
    work.watch ??= await GateWatch.open(this.#options.engine, created(work).next.Id);
  }

  async #gate(work: Work, step: Step): Promise<string> {
    const { write } = this.#options;
    const { next } = created(work);
    if (work.watch === undefined) throw new Error('gate before start');
    const verdict = await work.watch.verdict(gateRule(next, work.task), {
      restartCount: 0,
      cancel: this.#stopWaiting,
      onStanding: tellStanding(write, step),
    });
    work.watch.close();
    switch (verdict.verdict) {
      case 'passed':
        return verdict.message;
      case 'cancelled':
        throw cancelled();
      case 'failed':
        throw new Stop({ code: verdict.code }, `${work.task.ref} did not pass: ${verdict.message}.`);
    }
  }

  /** Both are found by their names from here on, and both serve. */
  async #takeOver(work: Work): Promise<string | undefined> {
    const { next } = created(work);
    const connections = work.derived === undefined ? [] : namedConnections(work.derived);
    if (connections.length === 0) return SKIPPED;
    await giveNames(this.#options.engine, next.Id, connections);
    return connections.map(({ network }) => network).join(', ');
  }

  /** Only the new one is found; the old one ends what it has begun. */
  async #drain(work: Work): Promise<string | undefined> {
    const { engine } = this.#options;
    const { old } = existing(work);
    const found = await engine.inspectContainer(old.Id);
    if (found?.State.Running !== true) return SKIPPED;
    const connections = work.derived === undefined ? [] : namedConnections(work.derived);
    const cut = await withdrawNames(engine, found, connections);
    await drain(this.#stopWaiting);
    return cut.length === 0
      ? undefined
      : `requests that were open on ${cut.join(', ')} were cut: give the network a subnet of your own to keep them`;
  }

  async #rename(work: Work): Promise<string | undefined> {
    const { engine } = this.#options;
    const { next, saved } = created(work);
    let oldIsGone = false;
    if (work.old !== undefined) {
      try {
        await engine.renameContainer(work.old.Id, saved.previousName);
      } catch (error) {
        // A person removed it. The new one passed its gate and serves; there is nothing else to go back to.
        if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
        oldIsGone = true;
      }
    }
    await engine.renameContainer(next.Id, saved.container);
    if (!oldIsGone) return undefined;
    return removesItself(saved)
      ? 'the engine has removed the old container, as --rm has it'
      : 'the old container was removed meanwhile';
  }

  async #commit(): Promise<undefined> {
    await this.#options.write.record({ record: 'committed', kept: keptOf(this.#saved) });
    return undefined;
  }

  /** What a failure makes of the job: what was touched goes back, and the reason is said. */
  async #giveUp(error: unknown): Promise<Replaced> {
    const { write, ending, cancel } = this.#options;
    // Whoever cancelled was told that it ends so, whatever else there was against it.
    if (cancel.aborted && this.#saved.length === 0) return { state: 'CANCELLED' };
    if (error instanceof Stop && typeof error.why === 'object' && 'refusal' in error.why) {
      const { refusal } = error.why;
      write.emit({ type: 'refused', refusal });
      return { state: 'REFUSED', refusal };
    }
    if (ending.aborted) return { state: 'interrupted' };
    const wasCancelled = error instanceof Stop && error.why === 'cancelled';
    const failure = { code: codeOf(error), message: error instanceof Error ? error.message : String(error) };
    if (!wasCancelled) await this.#keepFailedLog();
    if (this.#saved.length === 0) {
      write.emit({
        type: 'failed',
        error: { ...failure, message: `${sentence(failure.message)} Nothing was touched.` },
      });
      return { state: 'RESTORED' };
    }
    const { engine, jobId, server, patienceMs, recreate } = this.#options;
    const recovered = await recoverServer({
      engine,
      jobId,
      server,
      saved: this.#saved,
      stopping: this.#stopping,
      write,
      intent: 'restore',
      committed: false,
      patienceMs,
      recreate,
      signal: ending,
    });
    switch (recovered.state) {
      case 'RESTORED':
        if (wasCancelled) return { state: 'CANCELLED' };
        write.emit({
          type: 'failed',
          error: {
            ...failure,
            message: `${sentence(failure.message)} ${restoredWords(this.#saved, this.#touched)}`,
          },
        });
        return recovered;
      case 'DEGRADED': {
        const why = wasCancelled ? CANCELLED : sentence(failure.message);
        write.emit({ type: 'failed', error: { code: failure.code, message: `${why} ${recovered.message}` } });
        write.emit({ type: 'degraded', commands: recovered.commands });
        return recovered;
      }
      case 'CANCELLED':
      case 'DONE':
      case 'interrupted':
        return recovered;
    }
  }

  async #keepFailedLog(): Promise<void> {
    const step = this.#failedStep;
    if (step?.kind !== 'gate' && step?.kind !== 'start-new') return;
    const work = this.#works.find(({ task }) => task.container === step.container);
    if (work?.next === undefined) return;
    await keepLog(this.#options, step.container, work.next.Id);
  }
}

const SKIPPED = 'skipped';

const REMOVAL_INTERVAL_MS = 20;
const REMOVAL_PATIENCE_MS = 10_000;

function cancelled(): Stop {
  return new Stop('cancelled', CANCELLED);
}

/** These are done when the plan may still change. */
const BEFORE_THE_FIRST: ReadonlySet<Step['kind']> = new Set(['await-build', 'resolve', 'pull', 'inspect']);

function chosenOf({ chosen, task }: Work): ReplaceTask {
  if (chosen === undefined) throw new Error(`nobody chose an image for ${task.container}`);
  return chosen;
}

function created(work: Work): { next: ContainerInspect; saved: SavedContainer } {
  const { next, saved } = work;
  if (next === undefined || saved === undefined) throw new Error(`${work.task.container} is not created yet`);
  return { next, saved };
}

function existing(work: Work): { old: ContainerInspect; saved: SavedContainer } {
  const { old, saved } = work;
  if (old === undefined || saved === undefined) throw new Error(`${work.task.container} is not there`);
  return { old, saved };
}

function refuse(refusal: Refusal): Stop {
  return new Stop({ refusal }, refusal.message);
}

function demand(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw refuse(refusal);
}

function codeOf(error: unknown): string {
  if (error instanceof Stop && typeof error.why === 'object' && 'code' in error.why) return error.why.code;
  if (error instanceof NotRecorded) return 'not-recorded';
  if (error instanceof EngineError) return error.code === 'unreachable' ? 'engine-unreachable' : 'engine';
  return 'internal';
}

function sentence(text: string): string {
  return /[.!?]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;
}
