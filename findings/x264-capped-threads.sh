#!/bin/sh
# Finding: with two or more threads and a capped rate, libx264 in its deterministic mode writes another stream in each run.
#
# Version    ffmpeg 9.0.2 with x264 core 165 (PyPI imageio-ffmpeg 0.8.1, which bundles the program)
# Behaviour  `deterministic` is on unless it is switched off, and its other side is documented as faster and not repeatable. Of the same 3 s at
#            60 fps, 12 runs with -maxrate and -bufsize and two threads give up to 12 streams: a frame that is encoded plans its size by how far
#            the other thread has come. Without the cap, or with one thread, all 12 are equal. There is no warning.
# Expected   equal streams in the deterministic mode, or a warning
#
# Needs Python 3 with pip and two CPU cores. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.8.1
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'
"$ffmpeg" -v error -f lavfi -i testsrc2=size=640x360:rate=60:duration=3 -vf 'noise=alls=12:allf=t' -c:v ffv1 source.mkv </dev/null

# One run: the hash of the stream.
stream() {
  # shellcheck disable=SC2086
  "$ffmpeg" -v error -i source.mkv -c:v libx264 -preset veryfast $1 -flags:v +bitexact -f h264 - </dev/null | sha256sum
}
# Two runs at a time, so that the threads of each are scheduled unevenly.
different() {
  for run in 1 2 3 4 5 6; do
    stream "$1" >"a$run" &
    stream "$1" >"b$run"
    wait
  done
  cat a* b* | sort -u | wc -l
}

cap='-maxrate 600k -bufsize 600k'
{
  echo "quality, two threads: $(different '-crf 23 -threads 2') stream"
  echo "quality with a cap, one thread: $(different "-crf 18 $cap -threads 1") stream"
  count=$(different "-crf 18 $cap -threads 2")
  echo "quality with a cap, two threads: $count streams" >&2
  test "$count" -gt 1 && echo 'quality with a cap, two threads: several streams'
} | tee seen
printf '%s\n' 'quality, two threads: 1 stream' 'quality with a cap, one thread: 1 stream' \
  'quality with a cap, two threads: several streams' | cmp - seen
echo 'as described'
