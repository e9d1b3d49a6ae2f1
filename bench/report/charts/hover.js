// Shows the values of a chart under the pointer, and by the arrow keys: nothing is stored twice, they are read back from the paths.
// Tab stops once in each section, at one of its charts: left and right go through its values, up and down to its other charts.
(() => {
  const tip = document.getElementById('tip'), live = document.getElementById('live');
  const round = value => String(+value.toPrecision(3));

  const axis = text => {
    const [ends, unit, name] = text.split('|'), [low, high, log] = ends.split(' ');
    return {low: +low, high: +high, log, unit, name};
  };
  const value = (axis, share) => axis.log ? axis.low * (axis.high / axis.low) ** share : axis.low + share * (axis.high - axis.low);
  const written = (axis, number) => round(number) + (axis.unit ? ' ' + axis.unit : '');

  // [x, y, width, height] of each stroke: where it begins, and how far it goes across and up.
  const strokes = path => path.strokes ||= (() => {
    const found = [];
    let x = 0, y = 0;
    for (const [, command, numbers] of path.getAttribute('d').matchAll(/([Mmhv])([^Mmhv]*)/g)) {
      const [a, b] = numbers.match(/-?\d+/g).map(Number);
      if (command === 'M') [x, y] = [a, b], found.push([x, y, 0, 0]);
      else if (command === 'm') x += a, y += b, found.push([x, y, 0, 0]);
      else if (command === 'h') x += a, found.at(-1)[2] += a;
      else if (found.at(-1)[2]) y += a, found.push([x, y, 0, 0]);
      else y += a, found.at(-1)[3] += a;
    }
    return found;
  })();
  const named = (svg, what) => [...svg.querySelectorAll(`path[data-${what}]`)];
  const nearest = (list, far) => list.reduce((best, each) => far(each) < far(best) ? each : best);

  const scale = svg => svg.scale ||= (() => {
    const [left, right, top, bottom] = svg.dataset.box.split(' ').map(Number), across = axis(svg.dataset.x), up = axis(svg.dataset.y);
    return {
      left, right, top, bottom, across, up,
      x: at => value(across, (at - left) / (right - left)), y: at => value(up, (bottom - at) / (bottom - top)),
      wide: length => Math.abs(length / (right - left) * (across.high - across.low)),
    };
  })();

  const readers = {
    rows(svg, px, py) {
      const s = scale(svg), all = named(svg, 'n').map(path => [path, strokes(path)]);
      const row = nearest(all.flatMap(([, list]) => list), each => Math.abs(each[1] - py))[1];
      const said = all.flatMap(([path, list]) => list.filter(each => each[1] === row).map(each => [each[0], `${path.dataset.n} ${written(s.across, s.wide(each[2]))}`]));
      return [`request ${Math.round(s.y(row) + .5)}`, ...said.sort((a, b) => a[0] - b[0]).map(each => each[1])];
    },
    time(svg, px, py) {
      const s = scale(svg), lines = [[s.across.name, written(s.across, s.x(px))].join(' ').trim()];
      for (const path of named(svg, 'c')) {
        const column = nearest(strokes(path), each => Math.abs(each[0] - px)), width = +path.getAttribute('stroke-width');
        if (Math.abs(column[0] - px) <= width * .6) lines.push(`${path.dataset.c}: ${written(s.up, s.y(column[1] + column[3]) - s.y(column[1]))}`);
      }
      for (const path of named(svg, 'n')) {
        if (path.classList.contains('c-dot')) {
          const dot = nearest(strokes(path), each => Math.abs(each[0] - px));
          if (Math.abs(dot[0] - px) < 60) lines.push(`${path.dataset.n}: ${written(s.up, s.y(dot[1]))}`);
          continue;
        }
        const on = strokes(path).find(each => each[0] <= px && px <= each[0] + each[2]);
        if (!on) continue;
        const band = named(svg, 'b').filter(each => each.dataset.b === path.dataset.n).flatMap(each => strokes(each).filter(one => Math.abs(one[0] - px) <= each.getAttribute('stroke-width') / 2))[0];
        lines.push(`${path.dataset.n}: ${written(s.up, s.y(on[1]))}${band ? ` (${round(s.y(band[1]))} to ${round(s.y(band[1] + band[3]))})` : ''}`);
      }
      return lines;
    },
    dots(svg, px, py) {
      const s = scale(svg), dot = nearest([...svg.querySelectorAll('.c-dot')].flatMap(strokes), each => Math.hypot(each[0] - px, each[1] - py));
      return [`${s.across.name} ${Math.round(s.x(dot[0]))}`, `${s.up.name} ${Math.round(s.y(dot[1]))}`];
    },
    each(svg, px, py) {
      return [nearest(named(svg, 'n'), path => Math.abs(strokes(path)[0][1] - py)).dataset.n];
    },
  };
  // The places that the arrow keys go through.
  const stops = svg => svg.stops ||= (() => {
    const s = scale(svg), kind = svg.dataset.kind;
    if (kind === 'time') return Array.from({length: 41}, (_, nth) => [s.left + (nth + .5) / 41 * (s.right - s.left), s.top]);
    const all = (kind === 'dots' ? [...svg.querySelectorAll('.c-dot')] : named(svg, 'n')).flatMap(strokes);
    if (kind === 'dots') return all.map(each => [each[0], each[1]]).sort((a, b) => a[0] - b[0]);
    return [...new Map(all.map(each => [each[1], [each[0], each[1]]])).values()].sort((a, b) => a[1] - b[1]);
  })();

  function show(svg, px, py) {
    if (!svg.querySelector('path[data-n],path[data-c],.c-dot')) return;
    say(svg, readers[svg.dataset.kind](svg, px, py).join('\n'), px, py);
  }
  function say(svg, text, px, py) {
    const at = svg.getBoundingClientRect(), tenths = svg.viewBox.baseVal.width / at.width;
    tip.textContent = text;
    tip.hidden = false;
    const x = at.left + px / tenths, y = at.top + py / tenths;
    tip.style.left = Math.max(4, Math.min(x + 12, innerWidth - tip.offsetWidth - 4)) + 'px';
    tip.style.top = Math.max(4, y - tip.offsetHeight - 8) + 'px';
  }
  const charts = target => target.closest ? target.closest('svg.chart[data-kind]') : null;
  const hide = () => { tip.hidden = true; };
  const point = event => {
    const svg = charts(event.target);
    if (!svg) return hide();
    const at = svg.getBoundingClientRect(), tenths = svg.viewBox.baseVal.width / at.width;
    show(svg, (event.clientX - at.left) * tenths, (event.clientY - at.top) * tenths);
  };
  document.addEventListener('pointermove', point);
  document.addEventListener('pointerdown', point);
  document.addEventListener('focusout', hide);
  document.addEventListener('scroll', hide, {passive: true});
  const every = section => [...section.querySelectorAll('svg.chart[data-kind]')];
  const shown = section => every(section).filter(svg => !svg.closest('[hidden]'));
  const rove = (section, svg) => every(section).forEach(each => { each.tabIndex = each === svg ? 0 : -1; });
  const stop = () => document.querySelectorAll('section').forEach(section => {
    const all = shown(section);
    rove(section, all.find(svg => svg.tabIndex === 0) || all[0]);
  });
  document.addEventListener('shown', stop);
  stop();
  document.addEventListener('focusin', event => {
    const svg = charts(event.target);
    if (!svg || !svg.matches(':focus-visible')) return;
    say(svg, '← → values, ↑ ↓ charts', 0, 0);
  });
  document.addEventListener('keydown', event => {
    const svg = charts(event.target), step = {ArrowRight: 1, ArrowLeft: -1}[event.key], next = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (event.key === 'Escape') hide();
    if (!svg || !step && !next) return;
    event.preventDefault();
    if (next) {
      const section = svg.closest('section'), all = shown(section), to = all[all.indexOf(svg) + next];
      if (to) rove(section, to), to.focus();
      return;
    }
    if (!stops(svg).length) return;
    svg.stop = svg.stop === undefined ? 0 : Math.max(0, Math.min(stops(svg).length - 1, svg.stop + step));
    show(svg, ...stops(svg)[svg.stop]);
    live.textContent = tip.textContent;
  });
})();
