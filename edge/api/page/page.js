'use strict';
// The server writes the page; this keeps it fresh, sends commands, and lets a tag of a pass be picked. Without it all can be read.
(() => {
  const $ = (s) => document.querySelector(s);
  const words = JSON.parse($('#words').textContent);
  const body = document.body;
  const say = (key, holes) => words[key].replace(/\{(\w+)\}/g, (_, name) => holes[name]);

  // --- fresh: the page is asked for again every second, and what differs is changed in place.
  const EVERY = 1000;
  const PATIENCE = 2500; // without an answer until the page says so
  let heard = Date.now();
  let timer;

  async function poll() {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        const answer = await fetch(body.dataset.poll, { cache: 'no-store', signal: AbortSignal.timeout(4000) });
        if (!answer.ok) throw new Error(String(answer.status));
        take(new DOMParser().parseFromString(await answer.text(), 'text/html'));
        heard = Date.now();
        tellLost(false);
      } catch {
        tellLost(Date.now() - heard > PATIENCE);
      }
    }
    timer = setTimeout(poll, EVERY);
  }

  function take(fresh) {
    const program = (d) => d.querySelector('script[src]').getAttribute('src');
    if (program(fresh) !== program(document)) return location.reload(); // the gateway has new software
    for (const id of body.hasAttribute('data-still') ? ['top', 'nav'] : ['top', 'nav', 'main']) {
      morph(document.getElementById(id), fresh.getElementById(id));
    }
    compareClocks();
  }

  const pointed = matchMedia('(hover: hover)');
  const held = (a) => a.hasAttribute('data-hold') && ((pointed.matches && a.matches(':hover')) || a.contains(document.activeElement));

  // morph makes the element a like b and keeps the nodes that both have, so that focus and selection stay. A list that
  // somebody points at keeps its rows where they are.
  function morph(a, b) {
    if (a.isEqualNode(b)) return;
    if (held(a)) {
      for (const row of a.querySelectorAll('li[id]')) {
        const now = [...b.querySelectorAll('li[id]')].find((x) => x.id === row.id);
        if (now) morph(row, now);
      }
      return;
    }
    for (const { name } of [...a.attributes]) if (!b.hasAttribute(name)) a.removeAttribute(name);
    for (const { name, value } of b.attributes) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
    const named = new Map([...a.children].filter((c) => c.id).map((c) => [c.id, c]));
    let at = a.firstChild;
    for (const want of [...b.childNodes]) {
      const same = want.id ? named.get(want.id) : alike(at, want) && !at.id ? at : null;
      if (!same) {
        a.insertBefore(document.importNode(want, true), at);
        continue;
      }
      if (same === at) at = at.nextSibling;
      else a.insertBefore(same, at);
      if (same.id === 'lost') continue; // it is the script's own
      if (same.nodeType === Node.ELEMENT_NODE) morph(same, want);
      else if (same.data !== want.data) same.data = want.data;
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }
  const alike = (a, b) => a && a.nodeType === b.nodeType && a.nodeName === b.nodeName;

  function tellLost(lost) {
    if (body.classList.toggle('lost', lost) === !$('#lost').hidden) return;
    const banner = $('#lost');
    banner.hidden = !lost;
    banner.textContent = lost ? say('lost', { time: $('#top .time b').textContent }) : '';
    $('#live span').textContent = lost ? words.offline : words.live;
    for (const b of document.querySelectorAll('button[data-do], #command [type=submit]')) {
      b.disabled = lost;
      b.title = lost ? words.command_lost : '';
    }
  }

  function compareClocks() {
    const cell = $('#browser');
    if (!cell) return;
    const s = Math.round((Date.parse($('#top').dataset.now) - Date.now()) / 100) / 10 || 0;
    cell.textContent = `${s < 0 ? '-' : '+'}${Math.abs(s).toFixed(1)} ${words['unit.s']}`;
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    heard = Date.now();
    poll();
  });

  // --- commands: one dialog for all.
  const dialog = $('#command');
  const form = dialog.querySelector('form');
  const fields = form.elements;
  let asked;

  function openCommand(button) {
    asked = { ...button.dataset };
    const shelving = asked.do === 'shelve';
    $('#command-title').textContent = button.textContent;
    form.querySelector('.main').textContent = button.textContent;
    $('#command-what').textContent = asked.what;
    $('#command-for').hidden = !shelving;
    $('#command-comment').textContent = shelving ? words.shelve_reason : words.comment;
    $('#command-error').hidden = true;
    fields.comment.required = shelving;
    fields.comment.value = '';
    fields.name.value = remembered();
    dialog.showModal();
    (fields.name.value ? fields.comment : fields.name).focus();
  }

  const remembered = () => {
    try {
      return localStorage.getItem('tallydock.name') ?? '';
    } catch {
      return ''; // no storage: the name is asked for every time
    }
  };
  const remember = (name) => {
    try {
      localStorage.setItem('tallydock.name', name);
    } catch {}
  };

  async function send() {
    const order = { name: fields.name.value.trim(), comment: fields.comment.value.trim() };
    if (asked.do === 'shelve') order.for = fields.for.value;
    remember(order.name);
    const button = form.querySelector('.main');
    button.disabled = true;
    try {
      const answer = await fetch(`/api/v1/alarms/${encodeURIComponent(asked.alarm)}/${asked.do}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Tallydock-Command': '1' },
        body: JSON.stringify(order),
        signal: AbortSignal.timeout(10000),
      });
      const said = await answer.json();
      if (!answer.ok) return refuse(words[`error.${said.code}`] ?? '', said.detail);
      dialog.close();
      toast(`${words[`done.${asked.do}`]} · ${asked.what}`);
      poll();
    } catch {
      refuse(words['error.unreachable'], '');
    } finally {
      button.disabled = body.classList.contains('lost');
    }
  }

  function refuse(text, detail) {
    const p = $('#command-error');
    p.textContent = [text, detail].filter(Boolean).join(' — ');
    p.hidden = false;
  }

  function toast(text) {
    const p = $('#toast');
    p.textContent = text;
    p.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { p.hidden = true; }, 5000);
  }

  form.addEventListener('submit', (e) => {
    e.preventDefault();
    send();
  });
  form.querySelector('[value=cancel]').addEventListener('click', () => dialog.close());

  // --- a pass: pointing at a line or a row shows it, clicking keeps it.
  const chart = $('#chart');
  const lines = (n) => document.querySelectorAll(`[data-line="${n}"]`);
  let kept = document.querySelector('tr.on')?.dataset.line;
  let shown = kept;

  function show(n) {
    if (n === shown) return;
    shown = n;
    for (const x of document.querySelectorAll('[data-line].on')) x.classList.remove('on');
    chart.classList.toggle('pick', n !== undefined);
    if (n === undefined) return;
    for (const x of lines(n)) {
      x.classList.add('on');
      if (x.nodeName === 'g') x.parentNode.append(x);
    }
  }

  function keep(n) {
    kept = kept === n ? undefined : n;
    show(kept);
    for (const a of document.querySelectorAll('.tagrows a[aria-current]')) a.removeAttribute('aria-current');
    const link = kept && document.querySelector(`tr[data-line="${kept}"] a`);
    link?.setAttribute('aria-current', 'true');
    const url = new URL(location);
    if (link) url.searchParams.set('tag', new URL(link.href).searchParams.get('tag'));
    else url.searchParams.delete('tag');
    history.replaceState(null, '', url);
  }

  const lineOf = (e) => e.target.closest?.('[data-line]')?.dataset.line;
  if (chart) {
    document.addEventListener('pointerover', (e) => show(lineOf(e) ?? kept));
    document.addEventListener('focusin', (e) => show(lineOf(e) ?? kept));
  }

  // --- keys and clicks
  document.addEventListener('click', (e) => {
    const button = e.target.closest('button[data-do]');
    if (button) return openCommand(button);
    const line = chart && lineOf(e);
    if (line === undefined || !chart || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    keep(line);
    if (e.target.closest('g')) document.querySelector(`tr[data-line="${line}"]`)?.scrollIntoView({ block: 'nearest' });
  });

  document.addEventListener('keydown', (e) => {
    if (e.isComposing || e.keyCode === 229 || e.ctrlKey || e.metaKey || e.altKey || dialog.open) return;
    if (e.target.closest('input, select, textarea')) return;
    const row = e.target.closest('tr[data-line]');
    const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[e.key];
    if (row && step) {
      e.preventDefault();
      row[step]?.querySelector('a').focus();
    } else if (e.key === 'Escape' && kept) {
      keep(kept);
    } else if (e.code === 'Slash' && !e.shiftKey) {
      e.preventDefault();
      if ($('#q')) $('#q').focus();
      else location.assign('/tags');
    }
  });

  timer = setTimeout(poll, EVERY);
  compareClocks();
})();
