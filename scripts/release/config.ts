// What semantic-release does with what is on main; docs/release.md says it in words. Loaded in the
// process of `make release`, so it stands in the order in which things happen there.

/** The registry is not written to unless the repository asks for it (docs/release.md). */
const npmPublish = process.env.NPM_PUBLISH === 'true'

const preset = 'conventionalcommits'

export default {
  branches: ['main'],
  tagFormat: `v\${version}`,
  plugins: [
    ['@semantic-release/commit-analyzer', { preset }],
    './changelog.ts',
    ['@semantic-release/release-notes-generator', { preset }],
    // Before npm's plugin: that one packs what is compiled here.
    [
      '@semantic-release/exec',
      { prepareCmd: `sh scripts/release/prepare.sh \${nextRelease.version}` },
    ],
    ['@semantic-release/npm', { npmPublish, tarballDir: '.cache/release' }],
    [
      '@semantic-release/git',
      {
        assets: ['CHANGELOG.md', 'package.json', 'package-lock.json'],
        message: `chore(release): \${nextRelease.version} [skip ci]`,
      },
    ],
    [
      '@semantic-release/github',
      {
        assets: ['dist/carillon-*', 'dist/SHA256SUMS', '.cache/release/*.tgz'],
        // No comments on issues: the job may then not write to them.
        successCommentCondition: false,
        failCommentCondition: false,
        releasedLabels: false,
      },
    ],
    [
      '@semantic-release/exec',
      { successCmd: `echo "version=\${nextRelease.version}" >>"$GITHUB_OUTPUT"` },
    ],
  ],
}
