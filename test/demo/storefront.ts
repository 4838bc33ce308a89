import { createGitRepository, type GitRepository } from '@towline/test/sandbox';

/** What the build's tags begin with: `2.2.B000001`. */
export const BUILD_VERSION = '2.2';

const DOCKERFILE = `ARG REGISTRY
FROM \${REGISTRY}/shop/base:1.0
COPY www /www
EXPOSE 8080
CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait"]
`;

const BUILD_SCRIPT = `# Makes the page, with the version in it.
set -eu
version=$(cat VERSION)
echo "making the page of storefront $version"
mkdir -p www
sed "s/@VERSION@/$version/" page.html > www/index.html
`;

/** A small web application in a git repository: its page names its version, at first 2.2.0. */
export async function createStorefront(path: string): Promise<GitRepository> {
  const repository = await createGitRepository(path);
  await repository.commit({
    message: 'Open the shop with a page',
    files: { 'page.html': 'storefront @VERSION@\n', Dockerfile: DOCKERFILE, VERSION: '2.1.9\n' },
  });
  await repository.commit({
    message: 'Make the page by a script, so that it names its version',
    files: { 'build.sh': BUILD_SCRIPT, 'NOTES.md': 'What we want to sell next.\n' },
  });
  await repository.commit({
    message: 'Leave notes and history out of the image',
    files: { '.dockerignore': '.git\n*.md\nbuild.sh\n' },
  });
  await repository.commit({ message: 'Release 2.2.0', files: { VERSION: '2.2.0\n' } });
  return repository;
}

/** What happened in the repository since: 2.2.1, which nobody has built yet. */
export async function releaseNewer(repository: GitRepository): Promise<void> {
  await repository.commit({
    message: 'Plan the autumn sale',
    files: { 'NOTES.md': 'What we want to sell next.\nApples, in autumn.\n' },
  });
  await repository.commit({ message: 'Release 2.2.1', files: { VERSION: '2.2.1\n' } });
}
