import { type Dialog, drawDialog, fitLine, type Line, line, span } from '../../components/index.ts';
import type { Context } from '../../keys/index.ts';
import { viewBatch } from '../batch/index.ts';
import { viewBuildLog, viewSteps } from '../build-log/index.ts';
import { answerTexts } from '../buttons-state.ts';
import { confirmButtons, viewConfirm } from '../confirm/index.ts';
import { viewDetails } from '../details/index.ts';
import { viewEditBuild, viewStepPicker } from '../edit-build/index.ts';
import { EXECUTE_BUTTONS, viewExecute } from '../execute/index.ts';
import { type FooterOptions, footer } from '../footer.ts';
import type { Frame } from '../frame.ts';
import { viewHelp } from '../help/index.ts';
import { viewImages } from '../images/index.ts';
import { viewJob } from '../job/index.ts';
import { viewJobs } from '../jobs/index.ts';
import type { ListState } from '../list-state.ts';
import { viewLogs } from '../logs/index.ts';
import { viewMaps } from '../maps/index.ts';
import { PASSPHRASE_TEXTS, viewPassphrase } from '../passphrase/index.ts';
import { detailsOf, viewPipeline } from '../pipeline/index.ts';
import { PLAN_BUTTONS, viewPlan } from '../plan/index.ts';
import { whyNotChoose } from '../read-only.ts';
import { viewVersions } from '../versions/index.ts';
import type { World } from '../world.ts';
import { fits, viewTooSmall } from './least-size.ts';
import type { Model, Over } from './model.ts';

/** What is on the screen: exactly as large as it, whatever the state. Pure. */
export function view(model: Model, world: World): Frame {
  if (!fits(world.size)) return viewTooSmall(world.size);
  const notice = noticeLine(model);
  const indented = notice === undefined ? undefined : line(span('  '), ...notice.spans);
  let frame: Frame = viewPipeline(model.pipeline, world, notice);
  for (const over of model.over) frame = viewOver(over, model, frame, world, indented);
  return frame;
}

function viewOver(over: Over, model: Model, under: Frame, world: World, notice: Line | undefined): Frame {
  const dialog = (shown: Dialog, context: Context) => viewDialog(under, shown, context, world);
  const question = (shown: Dialog, context: Context, texts: NonNullable<FooterOptions['texts']>) =>
    viewDialog(under, shown, context, world, { texts });
  switch (over.type) {
    case 'maps':
      return viewMaps(over.state, world);
    case 'batch':
      return viewBatch(
        over.state,
        model.executions.find(({ id }) => id === over.state.execution),
        world,
        notice,
      );
    case 'job':
      return viewJob(over.state, world, notice);
    case 'jobs':
      return viewJobs(over.state, world, notice);
    case 'logs':
      return viewLogs(over.state, world, notice);
    case 'execute':
      return question(viewExecute(over.state), 'execute', answerTexts(EXECUTE_BUTTONS, over.state));
    case 'confirm':
      return question(
        viewConfirm(over.state, world.size),
        'confirm',
        answerTexts(confirmButtons(over.state), over.state),
      );
    case 'passphrase': {
      const { dialog: asking, caret } = viewPassphrase(over.state, world.size);
      return viewDialog(under, asking, 'field', world, { caret, texts: PASSPHRASE_TEXTS });
    }
    case 'plan':
      return question(viewPlan(over.state, world.size), 'plan', answerTexts(PLAN_BUTTONS, over.state));
    case 'details':
      return dialog(
        viewDetails(over.state, detailsOf(over.state.row, model.pipeline, world), world.size),
        'details',
      );
    case 'help':
      return dialog(viewHelp(over.state, world.size), 'help');
    case 'build-log': {
      const log = viewBuildLog(over.state, world, notice);
      return over.state.steps === undefined
        ? log
        : viewDialog(log, viewSteps(over.state, world), 'build-steps', world);
    }
    case 'edit-build': {
      const form = viewEditBuild(over.state, world, noticeLine(model));
      return over.state.stepPicker === undefined
        ? form
        : viewDialog(form, viewStepPicker(over.state, world), 'step-picker', world);
    }
    case 'images':
      return viewPicker(under, viewImages(over.state, world), 'images', over.state, world);
    case 'versions':
      return viewPicker(under, viewVersions(over.state, world), 'versions', over.state, world);
  }
}

/** What a picker draws, and where in it somebody types. */
interface DrawnPicker {
  dialog: Dialog;
  caret?: { row: number; column: number };
}

function viewPicker(
  under: Frame,
  { dialog, caret }: DrawnPicker,
  context: 'images' | 'versions',
  { list, server }: { list: ListState; server: string },
  world: World,
): Frame {
  if (list.typing !== undefined) return viewDialog(under, dialog, 'field', world, { caret });
  const disabled = new Set(whyNotChoose(server, world) === undefined ? [] : (['open'] as const));
  return viewDialog(under, dialog, context, world, { caret, disabled });
}

function viewDialog(
  under: Frame,
  shown: Dialog,
  context: Context,
  world: World,
  { caret, ...keysAs }: FooterOptions & { caret?: { row: number; column: number } | undefined } = {},
): Frame {
  const keys = footer(context, world.size.columns, keysAs);
  const quiet = [...under.lines.slice(0, -1).map(quieten), keys];
  const { lines, left, top } = drawDialog(quiet, shown, world.size.columns);
  const frame = { lines: lines.map((row) => fitLine(row, world.size.columns)) };
  return caret === undefined ? frame : { ...frame, cursor: { x: left + caret.column, y: top + caret.row } };
}

/** What is under a dialog is still there to be read, and clearly not what keys go to. */
function quieten(row: Line): Line {
  return { selected: false, spans: row.spans.map(({ text }) => span(text, 'quiet')) };
}

function noticeLine(model: Model): Line | undefined {
  if (model.notice === undefined) return undefined;
  const { text, tone } = model.notice;
  return line(span(text, tone === 'plain' ? 'strong' : tone));
}
