// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* How the page is served. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startServer } from '../lib/server.js';

const web = path.join(import.meta.dirname, '../../web');
const files = readdirSync(web).filter((name) => /\.(html|js|css|svg)$/.test(name));
const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

test('every file of the page is served as it is, with a strict policy', async (t) => {
  const server = await startServer(t);
  for (const name of files) {
    const response = await fetch(server.url + (name === 'index.html' ? '' : name));
    assert.equal(response.status, 200, name);
    assert.equal(await response.text(), readFileSync(path.join(web, name), 'utf8'), name);
    assert(response.headers.get('Content-Type')?.startsWith(types[name.split('.')[1]]), name);
    assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff');
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    assert.match(policy, /^default-src 'none';/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    const again = await fetch(response.url, { headers: { 'If-None-Match': response.headers.get('ETag') ?? '' } });
    assert.equal(again.status, 304, name);
  }
});

test('the page keeps its own rules', () => {
  const html = readFileSync(path.join(web, 'index.html'), 'utf8');
  assert.doesNotMatch(html, /<script>|<style|\sstyle=|\son\w+=|https?:\/\//, 'nothing inline, nothing from elsewhere');
  for (const name of files.filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(path.join(web, name), 'utf8');
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|\beval\(|sessionStorage|indexedDB|document\.cookie/, name);
    if (name !== 'history.js') assert.doesNotMatch(text, /localStorage/, name); /* what is kept is in one place */
  }
});
