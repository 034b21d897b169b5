'use strict';
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const button = (text, title, act) => make('button', { type: 'button', title, onclick: act }, text);
const chooser = (names, chosen, label, act) => {
  const element = make('select', { 'aria-label': label, onchange: act },
    ...names.map((name, i) => make('option', { value: i }, name)));
  element.value = chosen;
  return element;
};

// Charts: a mark says what it is; the legend hides and shows series.
const tip = document.getElementById('tip');
const say = event => {
  const mark = event.target.closest?.('[data-tip]');
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.tip;
  const place = mark.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(place.left + 12, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(4, place.top - tip.offsetHeight - 8)}px`;
};
for (const name of ['pointerover', 'focusin', 'click']) document.addEventListener(name, say);
document.addEventListener('scroll', () => { tip.hidden = true; }, { passive: true });
for (const title of document.querySelectorAll('circle title')) title.remove(); // the tip says it already
for (const chart of document.querySelectorAll('.chart'))
  for (const key of chart.querySelectorAll('.legend button'))
    key.addEventListener('click', () => {
      const shown = key.getAttribute('aria-pressed') !== 'true';
      key.setAttribute('aria-pressed', shown);
      chart.querySelector(`g[data-series="${key.dataset.series}"]`).style.display = shown ? '' : 'none';
    });

// Pictures.
const MODES = { slider: 'Slider', flicker: 'Flicker', side: 'Side by side', difference: 'Difference ×8' };
const FLICKER_MS = 500;

class Viewer {
  constructor(root) {
    this.size = [Number(root.dataset.width), Number(root.dataset.height)];
    this.blocks = root.dataset.blocks.split(' ').map(text => text.split(',').map(Number));
    this.block = Number(root.dataset.block);
    this.figures = [...root.querySelectorAll('figure')];
    const names = this.figures.map(figure => figure.dataset.name);
    Object.assign(this, { mode: 'slider', split: 0.5, scale: 1, x: 0, y: 0, at: -1, fitted: true });
    this.layers = ['a', 'b'].map(name => make('div', { class: `layer ${name}` }, make('img', { draggable: 'false', alt: '' })));
    this.tags = ['a', 'b'].map(name => make('span', { class: `tag ${name}` }));
    this.mark = make('div', { class: 'mark', hidden: '' });
    this.bar = make('div', { class: 'split' });
    this.stage = make('div', { class: 'stage', tabindex: '0', role: 'group', 'aria-label':
      'Comparison. Keys: 1 to 9 choose the right picture, o the original; s slider, f flicker, i side by side, d difference; b next worst block; + - 0 zoom; arrows move; [ ] slider.' },
      ...this.layers, this.mark, this.bar, ...this.tags);
    this.choosers = [0, 1].map(i => chooser(names, i, i ? 'right or second picture' : 'left or first picture', () => this.show()));
    this.modes = Object.entries(MODES).map(([mode, text]) => button(text, `key ${mode === 'side' ? 'i' : mode[0]}`, () => this.set(mode)));
    this.slider = make('input', { type: 'range', min: 0, max: 1000, value: 500, 'aria-label': 'place of the slider',
      oninput: () => { this.split = this.slider.value / 1000; this.draw(); } });
    this.readout = make('small');
    root.append(
      make('div', { class: 'bar' }, this.choosers[0], this.choosers[1], ...this.modes),
      this.stage,
      make('div', { class: 'bar' }, this.slider,
        button('−', 'zoom out, key -', () => this.zoom(1 / 1.5)), button('+', 'zoom in, key +', () => this.zoom(1.5)),
        button('Fit', 'whole picture, key 0', () => this.fit()), button('1:1', 'a pixel of the picture for one of the screen', () => this.zoom(1 / devicePixelRatio / this.scale)),
        button('Next worst block', 'key b', () => this.next()), this.readout));
    root.classList.add('live');
    this.listen();
    new ResizeObserver(() => { if (this.fitted) this.fit(); else this.draw(); }).observe(this.stage);
    this.set('slider');
    this.show();
  }

  show() { // the two chosen pictures
    this.choosers.forEach((one, i) => {
      const figure = this.figures[one.value];
      this.layers[i].firstChild.src = figure.querySelector('img').src;
      this.layers[i].firstChild.alt = this.tags[i].textContent = figure.querySelector('img').alt;
    });
    this.draw();
  }

  set(mode) {
    clearInterval(this.timer);
    this.mode = this.stage.dataset.mode = mode;
    this.modes.forEach((one, i) => one.setAttribute('aria-pressed', Object.keys(MODES)[i] === mode));
    this.second = true;
    if (mode === 'flicker') this.timer = setInterval(() => { this.second = !this.second; this.draw(); }, FLICKER_MS);
    if (this.fitted) this.fit(); else this.draw();
  }

  pane() { // width and height in which a picture is seen
    return [this.stage.clientWidth / (this.mode === 'side' ? 2 : 1), this.stage.clientHeight];
  }

  fit() {
    const [width, height] = this.pane();
    this.scale = Math.min(width / this.size[0], height / this.size[1]);
    this.x = (this.size[0] - width / this.scale) / 2;
    this.y = (this.size[1] - height / this.scale) / 2;
    this.fitted = true;
    this.draw();
  }

  zoom(factor, at = this.pane().map(side => side / 2)) { // the place `at` of the pane stays where it is
    const scale = Math.min(64, Math.max(0.05, this.scale * factor));
    this.x += at[0] / this.scale - at[0] / scale;
    this.y += at[1] / this.scale - at[1] / scale;
    this.scale = scale;
    this.fitted = false;
    this.draw();
  }

  move(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.fitted = false;
    this.draw();
  }

  next() { // to the next block of the list, which begins with the worst
    this.at = (this.at + 1) % this.blocks.length;
    const [width, height] = this.pane();
    const [x, y] = this.blocks[this.at];
    this.scale = Math.min(width, height) / this.block / 3;
    this.x = x + this.block / 2 - width / this.scale / 2;
    this.y = y + this.block / 2 - height / this.scale / 2;
    this.fitted = false;
    this.draw();
  }

  draw() {
    for (const { firstChild: image } of this.layers)
      image.style.transform = `scale(${this.scale}) translate(${-this.x}px, ${-this.y}px)`;
    const sliding = this.mode === 'slider';
    this.layers[1].style.clipPath = sliding ? `inset(0 0 0 ${100 * this.split}%)` : '';
    const hidden = this.mode === 'flicker' && !this.second;
    this.layers[1].style.visibility = hidden ? 'hidden' : '';
    this.tags[1].style.visibility = hidden ? 'hidden' : '';
    this.tags[0].style.visibility = this.mode === 'flicker' && !hidden ? 'hidden' : '';
    this.bar.style.left = `${100 * this.split}%`;
    this.slider.hidden = !sliding;
    this.slider.value = 1000 * this.split;
    this.stage.classList.toggle('near', this.scale * devicePixelRatio >= 2);
    this.stage.classList.toggle('zoomed', !this.fitted);
    this.mark.hidden = this.at < 0 || this.fitted;
    if (!this.mark.hidden) {
      const [x, y] = this.blocks[this.at], side = `${this.block * this.scale}px`;
      Object.assign(this.mark.style, { left: `${(x - this.x) * this.scale}px`, top: `${(y - this.y) * this.scale}px`, width: side, height: side });
    }
    const block = this.mark.hidden ? '' : `, worst block ${this.at + 1} of ${this.blocks.length}`;
    this.readout.textContent = `${Math.round(100 * this.scale * devicePixelRatio)} %${block}`;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60, slide = by => { this.split = Math.min(1, Math.max(0, this.split + by)); this.draw(); };
    const choose = i => { if (i < this.figures.length) { this.choosers[1].value = i; this.show(); } };
    const acts = {
      s: () => this.set('slider'), f: () => this.set('flicker'), i: () => this.set('side'), d: () => this.set('difference'),
      b: () => this.next(), o: () => choose(0), '+': () => this.zoom(1.5), '=': () => this.zoom(1.5), '-': () => this.zoom(1 / 1.5), 0: () => this.fit(),
      '[': () => slide(-0.05), ']': () => slide(0.05),
      ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0), ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
    };
    const act = acts[event.key] ?? (/^[1-9]$/.test(event.key) ? () => choose(Number(event.key)) : null);
    if (act) { act(); event.preventDefault(); }
  }

  listen() {
    const stage = this.stage, fingers = new Map();
    const inside = event => {
      const box = stage.getBoundingClientRect(), [width] = this.pane();
      return [(event.clientX - box.left) % width, event.clientY - box.top];
    };
    stage.addEventListener('keydown', event => this.key(event));
    stage.addEventListener('wheel', event => { // a page that is scrolled past stays a page
      if (document.activeElement !== stage && !event.ctrlKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), inside(event));
    }, { passive: false });
    stage.addEventListener('dblclick', event => this.zoom(2, inside(event)));
    stage.addEventListener('pointerdown', event => {
      fingers.set(event.pointerId, [event.clientX, event.clientY, event.target === this.bar]);
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener('pointermove', event => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const [x, y, sliding] = before, box = stage.getBoundingClientRect();
      fingers.set(event.pointerId, [event.clientX, event.clientY, sliding]);
      if (sliding) { this.split = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); this.draw(); return; }
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const apart = (u, v) => Math.hypot(u - other[0], v - other[1]);
        this.zoom(apart(event.clientX, event.clientY) / Math.max(1, apart(x, y)), inside(event));
      } else if (event.pointerType === 'mouse' || !this.fitted) this.move(event.clientX - x, event.clientY - y);
    });
    for (const name of ['pointerup', 'pointercancel']) stage.addEventListener(name, event => fingers.delete(event.pointerId));
  }
}
for (const root of document.querySelectorAll('.viewer')) new Viewer(root);

// Sounds: the players of one sound take over from each other where they are.
const players = () => [...document.querySelectorAll('audio')];
const start = player => { player.play().catch(() => {}); };
for (const section of document.querySelectorAll('section.sound')) {
  const own = [...section.querySelectorAll('audio')];
  for (const player of own) {
    const picture = player.parentElement.querySelector('.spectrogram'), head = picture.querySelector('i');
    player.addEventListener('play', () => {
      for (const other of players()) if (other !== player && !other.paused) {
        if (own.includes(other)) player.currentTime = other.currentTime;
        other.pause();
      }
      const follow = () => { head.style.left = `${100 * player.currentTime / (player.duration || 1)}%`; if (!player.paused) requestAnimationFrame(follow); };
      follow();
    });
    picture.addEventListener('click', event => {
      const box = picture.getBoundingClientRect();
      player.currentTime = (event.clientX - box.left) / box.width * (player.duration || 0);
      start(player);
    });
  }
  abx(section, own);
}

// A blind test: X is A or B by chance; p is how likely so many right answers are by guessing.
function abx(section, own) {
  if (own.length < 2) return;
  const rows = [...section.querySelectorAll('h4')].map(heading => heading.textContent);
  const names = own.map(player => {
    const row = [...section.querySelectorAll('.columns')].indexOf(player.closest('.columns')) - 1;
    return player.closest('figure').dataset.name + (row >= 0 && rows.length > 1 ? `, ${rows[row]}` : '');
  });
  let x = Math.random() < 0.5, right = 0, count = 0;
  const result = make('p', { role: 'status' }, 'No answer yet.');
  const pick = [0, 1].map(i => chooser(names, i, i ? 'B' : 'A', () => { right = count = 0; told(); }));
  const play = i => start(own[pick[i].value]);
  const blind = new Audio();
  const playX = () => {
    const source = own[pick[x ? 0 : 1].value], playing = own.find(player => !player.paused);
    for (const player of players()) player.pause();
    blind.src = source.src;
    blind.currentTime = playing ? playing.currentTime : 0;
    start(blind);
  };
  for (const player of own) player.addEventListener('play', () => blind.pause());
  const told = () => {
    if (!count) { result.textContent = 'No answer yet.'; return; }
    let p = 0, ways = 1;
    for (let k = 0; k <= count; k++) { if (k >= right) p += ways; ways = ways * (count - k) / (k + 1); }
    result.textContent = `${right} of ${count} right; by guessing at least as many in ${(100 * p / 2 ** count).toPrecision(2)} % of tests.`;
  };
  const answer = isA => { count++; if (isA === x) right++; x = Math.random() < 0.5; blind.pause(); told(); };
  section.append(make('div', { class: 'abx' }, make('h4', {}, 'Blind test (ABX)'),
    make('div', { class: 'bar' }, ...pick.map((one, i) => make('label', {}, i ? 'B ' : 'A ', one))),
    make('div', { class: 'bar' }, button('Play A', '', () => play(0)), button('Play B', '', () => play(1)), button('Play X', '', playX),
      button('X is A', '', () => answer(true)), button('X is B', '', () => answer(false))), result));
}
