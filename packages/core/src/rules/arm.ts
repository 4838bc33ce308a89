import { isValidTag, TAG_RULE } from '../image/index.ts';
import { agentAway } from './agent-away.ts';
import { type Choice, type ImageMode, modesOf } from './choice.ts';
import type { ObservedTask } from './observed-task.ts';
import { readOnlyRefusal, viewerRefusal } from './read-only.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** What an armed task runs: a confirmed Build & Deploy `build` and `deploy`, every other mode `deploy`. */
export type Stage = 'build' | 'deploy';

export type Arming =
  | {
      armed: true;
      stages: readonly Stage[];
      /** The tag to deploy; absent where a build will name it. */
      tag?: string;
    }
  | { armed: false; refusal: Refusal };

/** The one tag that may be deployed over itself: it moves, so the same name can be another image by now. */
const MOVING_TAG = 'latest';

/**
 * Whether a task would run if it were executed now (the execute rules of the product). The dashboard asks with what it
 * last saw, to show; the agent asks again with what it inspects at that moment, to decide.
 *
 * Of several reasons against it the first of this order is given: `read-only` (of this end; of a viewer's token after
 * `agent-unreachable`), `agent-unreachable`,
 * `job-running`, `server-not-running`, `mode-not-allowed`, `container-missing`, `needs-registry`, then the mode's own
 * (`no-tag`, `invalid-tag`, `no-successful-image`, `same-version`; of Latest that the build's agent is `agent-unreachable`
 * where nothing is known of it; of Build & Deploy that the agent is that or that building is `not-supported` there,
 * `build-running`, `not-confirmed`). So what the operator can't change by choosing otherwise comes before what they can.
 */
export function arm(choice: Choice, facts: ObservedTask): Arming {
  const against = refuseServer(facts) ?? refuseContainer(choice, facts);
  if (against !== undefined) return { armed: false, refusal: against };
  switch (choice.mode) {
    case 'image-tag':
    case 'designated':
      return armTag(choice, facts);
    case 'latest':
      return armLatest(facts);
    case 'build-deploy':
      return armBuild(choice, facts);
  }
}

/** What stands against everything on the server; undefined where nothing does. */
function refuseServer({ readOnly, viewer, server }: ObservedTask): Refusal | undefined {
  if (readOnly) return readOnlyRefusal('execute');
  const away = refuseAway(server);
  if (away !== undefined) return away;
  // What somebody may do at an agent that is away, they may find out when it is there.
  if (viewer !== undefined) return viewerRefusal(server.agent, viewer);
  // Before its state: a job stops the old container, and nobody should start it again by hand meanwhile.
  if (server.runningJob !== undefined) {
    return {
      code: 'job-running',
      message: `The job ${server.runningJob} is running on ${server.name}. Wait for its end, or cancel it.`,
    };
  }
  const why = server.reason === undefined ? '' : `: ${withoutFullStop(server.reason)}`;
  switch (server.state) {
    case 'Connecting':
    case 'Unreachable':
      break;
    case 'Degraded':
      return {
        code: 'server-not-running',
        message: `${server.name} is degraded${why}. Restore it (B, or \`towline restore ${server.name}\`), or give the commands of its last job by hand: o shows them, and \`towline job ID\` (\`towline jobs\` has its ID).`,
      };
    case 'Stopped':
      if (!server.created) break;
      return {
        code: 'server-not-running',
        message: `${server.name} is not running${why}. Start one of its containers, then execute again.`,
      };
    case 'Running':
      break;
  }
  return undefined;
}

function refuseAway({ state, agent, reason }: ObservedTask['server']): Refusal | undefined {
  switch (state) {
    case 'Connecting':
      return {
        code: 'agent-unreachable',
        message: `The agent ${agent} is being connected to: wait for its first answer.`,
      };
    case 'Unreachable':
      return { code: 'agent-unreachable', message: agentAway(agent, reason) };
    case 'Degraded':
    case 'Stopped':
    case 'Running':
      return undefined;
  }
}

function refuseContainer(choice: Choice, facts: ObservedTask): Refusal | undefined {
  const { container, kind } = facts;
  const modes = modesOf(kind);
  if (!modes.includes(choice.mode)) {
    const image = kind === 'common' ? 'a common image' : 'a built image';
    return {
      code: 'mode-not-allowed',
      message: `${container} runs ${image}: choose ${modes.map(modeName).join(', ')}, not ${modeName(choice.mode)}.`,
      container,
    };
  }
  if (!facts.exists && !facts.creatable) {
    return {
      code: 'container-missing',
      message: `There is no container ${container} on ${facts.server.agent}, and the map does not say how to create it. Create it, or add \`run\` to it in the map file.`,
      container,
    };
  }
  const { build } = facts;
  if (build?.delivered === false) {
    return {
      code: 'needs-registry',
      message: `The image of ${container} is built on ${build.agent} and would run on ${facts.server.agent}, and its name has no registry to get there by. Name one in the image of the build ${build.name}, or build it on ${facts.server.agent}.`,
      container,
    };
  }
  return undefined;
}

function armTag(choice: { mode: 'image-tag' | 'designated'; tag: string }, facts: ObservedTask): Arming {
  const { tag, mode } = choice;
  if (tag === '') {
    const what = mode === 'image-tag' ? 'Type a tag or pick one' : 'Pick an image of its build';
    return refuse(facts, 'no-tag', `${what} for ${facts.container}.`);
  }
  if (!isValidTag(tag)) {
    const shown = tag.length > 60 ? `${tag.slice(0, 60)}…` : tag;
    return refuse(facts, 'invalid-tag', `"${shown}" is no tag. ${TAG_RULE}`);
  }
  const movesOn = mode === 'image-tag' && tag === MOVING_TAG;
  if (tag === facts.deployed?.tag && !movesOn) return refuseSame(facts, tag);
  return { armed: true, stages: ['deploy'], tag };
}

function armLatest(facts: ObservedTask): Arming {
  const tag = facts.latest?.tag;
  if (tag === undefined) {
    const away = facts.build?.unavailable;
    // Nobody has said what there is; that is not that there is nothing.
    if (away?.code === 'agent-unreachable') return refuse(facts, away.code, away.message);
    return refuse(
      facts,
      'no-successful-image',
      `No build of ${facts.container} has succeeded yet. Run its build first.`,
    );
  }
  if (tag === facts.deployed?.tag) return refuseSame(facts, tag, 'Nothing newer has been built.');
  return { armed: true, stages: ['deploy'], tag };
}

function armBuild(
  { confirmed, built }: Extract<Choice, { mode: 'build-deploy' }>,
  facts: ObservedTask,
): Arming {
  const { build, container } = facts;
  const stages = ['build', 'deploy'] as const;
  if (confirmed && built !== undefined) {
    // It was built for this, a moment ago: there is only the deploy left.
    return isValidTag(built)
      ? { armed: true, stages, tag: built }
      : refuse(facts, 'invalid-tag', `"${built.slice(0, 60)}" is no tag. ${TAG_RULE}`);
  }
  if (build?.unavailable !== undefined)
    return refuse(facts, build.unavailable.code, build.unavailable.message);
  const run = build?.activeRun;
  if (run !== undefined) {
    const does = run.state === 'QUEUED' ? 'is waiting to run' : 'is running';
    return refuse(
      facts,
      'build-running',
      `The build ${build?.name} ${does} already: ${run.tag}, by ${run.operator}. Wait for its end and deploy Latest, or cancel it.`,
    );
  }
  return confirmed
    ? { armed: true, stages }
    : refuse(facts, 'not-confirmed', `Check Confirm Execute to build and deploy ${container}.`);
}

function refuseSame(facts: ObservedTask, tag: string, what = 'Choose another version.'): Arming {
  return refuse(facts, 'same-version', `${facts.container} runs ${tag} already. ${what}`);
}

function refuse(facts: ObservedTask, code: RefusalCode, message: string): Arming {
  return { armed: false, refusal: { code, message, container: facts.container } };
}

/** The mode as people read it. */
export function modeName(mode: ImageMode): string {
  switch (mode) {
    case 'image-tag':
      return 'Image Tag';
    case 'designated':
      return 'Designated';
    case 'latest':
      return 'Latest';
    case 'build-deploy':
      return 'Build & Deploy';
  }
}

function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
