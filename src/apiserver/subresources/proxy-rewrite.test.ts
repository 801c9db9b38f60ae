import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteLinks } from './html-links.ts';
import { rewriteUrl } from './proxy-rewrite.ts';

const prefix = '/api/v1/namespaces/default/services/web/proxy';
const place = { prefix, backendHost: '10.0.0.9:8080', requestHost: '127.0.0.1:6443' };

for (const [link, want] of [
  ['/rewriteme', `${prefix}/rewriteme`],
  ['/a/b/?q=1#x', `${prefix}/a/b/?q=1#x`],
  ['http://10.0.0.9:8080/in', `${prefix}/in`],
  ['https://127.0.0.1:6443/in', `https://127.0.0.1:6443${prefix}/in`],
  [`${prefix}/already`, `${prefix}/already`],
  ['relative/page', 'relative/page'],
  ['https://example.com/else', 'https://example.com/else'],
  ['#part', '#part'],
] as const) {
  test(`a link to ${link} leads to ${want}`, () => assert.equal(rewriteUrl(link, place), want));
}

for (const { name, page, want } of [
  { name: 'of anchors', page: '<a href="/x">y</a>', want: '<a href="<x>">y</a>' },
  { name: 'without quotes', page: '<IMG src=/i alt=1>', want: '<IMG src="<i>" alt=1>' },
  { name: 'with entities', page: "<a href='/x?a=1&amp;b=2'>", want: '<a href="<x?a=1&amp;b=2>">' },
  {
    name: 'but not in scripts',
    page: '<script>"<a href=/x>"</script><a href=/y>',
    want: '<script>"<a href=/x>"</script><a href="<y>">',
  },
  { name: 'but not in comments', page: '<!-- <a href=/x> --><b>', want: '<!-- <a href=/x> --><b>' },
  { name: 'but not in a tag that never ends', page: 'a < b <a href="/x', want: 'a < b <a href="/x' },
]) {
  test(`links are changed ${name}`, () => {
    const changed = rewriteLinks(page, (link) => link.replace(/^\/(.*)$/, 'LEFT$1RIGHT'));
    assert.equal(changed.replaceAll('LEFT', '<').replaceAll('RIGHT', '>'), want);
  });
}
