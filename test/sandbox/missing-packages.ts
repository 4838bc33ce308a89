import { missingPackages, missingPodmanPackages } from './engine-support.ts';

// For the set-up: the Debian packages that private engines still need here, one a line; with `--podman`, Podman's too.
const wanted = await missingPackages();
if (process.argv.includes('--podman')) wanted.push(...(await missingPodmanPackages()));
for (const name of new Set(wanted)) console.log(name);
