export { allMaps, type MapsState, openMaps, pressInMaps, viewMaps } from './maps.ts';
