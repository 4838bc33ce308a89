import type { Command, Key } from '../../keys/index.ts';
import { pressInBatch } from '../batch/index.ts';
import { pressInBuildLog } from '../build-log/index.ts';
import { pressInConfirm } from '../confirm/index.ts';
import { pressInDetails } from '../details/index.ts';
import { pressInEditBuild } from '../edit-build/index.ts';
import { pressInExecute } from '../execute/index.ts';
import { pressInHelp } from '../help/index.ts';
import { pressInImages } from '../images/index.ts';
import { pressInJob } from '../job/index.ts';
import { pressInJobs } from '../jobs/index.ts';
import { pressInLogs } from '../logs/index.ts';
import { pressInMaps } from '../maps/index.ts';
import { pressInPassphrase } from '../passphrase/index.ts';
import { detailsOf } from '../pipeline/index.ts';
import { pressInPlan } from '../plan/index.ts';
import type { Outcome, Request } from '../request.ts';
import { pressInVersions } from '../versions/index.ts';
import type { World } from '../world.ts';
import type { Model, Over } from './model.ts';

/** What a key does in what is on top. */
export function pressOver(
  over: Over,
  model: Model,
  command: Command | undefined,
  key: Key,
  world: World,
): { over: Over; requests: readonly Request[] } {
  const into = <S>({ state, requests }: Outcome<S>, wrap: (state: S) => Over) => ({
    over: wrap(state),
    requests,
  });
  switch (over.type) {
    case 'maps':
      return into(pressInMaps(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'versions':
      return into(pressInVersions(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'images':
      return into(pressInImages(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'execute':
      return into(pressInExecute(over.state, command), (state) => ({ ...over, state }));
    case 'plan':
      return into(pressInPlan(over.state, command, world.size), (state) => ({ ...over, state }));
    case 'batch': {
      const execution = model.executions.find(({ id }) => id === over.state.execution);
      return into(pressInBatch(over.state, execution, command, world), (state) => ({ ...over, state }));
    }
    case 'job':
      return into(pressInJob(over.state, command, world), (state) => ({ ...over, state }));
    case 'jobs':
      return into(pressInJobs(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'logs':
      return into(pressInLogs(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'build-log':
      return into(pressInBuildLog(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'edit-build':
      return into(pressInEditBuild(over.state, command, key, world), (state) => ({ ...over, state }));
    case 'confirm':
      return into(pressInConfirm(over.state, command), (state) => ({ ...over, state }));
    case 'passphrase':
      return into(pressInPassphrase(over.state, command, key), (state) => ({ ...over, state }));
    case 'details': {
      const details = detailsOf(over.state.row, model.pipeline, world);
      return into(pressInDetails(over.state, details, command, world), (state) => ({ ...over, state }));
    }
    case 'help':
      return into(pressInHelp(over.state, command, world.size), (state) => ({ ...over, state }));
  }
}
