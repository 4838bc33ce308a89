export {
  type LogArrival,
  type LogsState,
  logLinesArrived,
  logStreamEnded,
  logStreamStarted,
  openLogs,
  pressInLogs,
  viewLogs,
} from './logs.ts';
