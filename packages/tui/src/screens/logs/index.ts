export {
  type LogArrival,
  type LogsState,
  logLinesArrived,
  logStreamEnded,
  openLogs,
  pressInLogs,
  viewLogs,
} from './logs.ts';
