#!/bin/sh
# Finding: ffmpeg -c copy from MP4 to Matroska moves the picture by what the AAC encoder has added before the first sample.
#
# Version    ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0, which bundles the program)
# Behaviour  An MP4 of H.264 and AAC whose picture begins at 0, as its edit list hides the 1,024 samples of priming. The copy in Matroska has all
#            packets 21 ms later, so that the picture begins at 0.021; but its chapter begins at 0, as before, and so 21 ms before its picture.
#            Without the sound, and with PCM in place of AAC, the picture begins at 0. There is no warning, and ffmpeg exits with 0.
# Expected   the picture at 0, with the priming as CodecDelay of the sound, which Matroska has for that (and which ffmpeg writes for Opus); ffmpeg
#            9.0 does so
#
# Needs Python 3 with pip. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
cd "$dir"
"$ffmpeg" -version | sed -n '1s/-static .*//p'

printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n' >chapters.txt
"$ffmpeg" -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -f lavfi -i sine=440:r=48000:d=2 -i chapters.txt \
  -map_chapters 2 -c:v libx264 -preset ultrafast -bf 0 -c:a aac film.mp4 </dev/null
"$ffmpeg" -v error -i film.mp4 -c copy aac.mkv </dev/null 2>log
"$ffmpeg" -v error -i film.mp4 -map 0:v -c copy silent.mkv </dev/null 2>>log
"$ffmpeg" -v error -i film.mp4 -c:v copy -c:a pcm_s16le pcm.mkv </dev/null 2>>log
test ! -s log || sed 's/^/log: /' log

# The time of the first picture, ms, and where the chapter begins.
first() {
  "$ffmpeg" -v error -copyts -i "$1" -map 0:v -c copy -enc_time_base 1:1000 -f framecrc - </dev/null | awk -F, '
    /^#tb/ { split($0, words, /[ \/]/); scale = 1000 * words[3] / words[4] }
    !/^#/ { printf "picture at %d ms", $3 * scale; exit }'
  "$ffmpeg" -i "$1" 2>&1 </dev/null | sed -n 's/.*Chapter #0:0: start \([0-9.]*\),.*/, chapter at \1 s/p' | tr -d '\n'
  echo
}
for file in film.mp4 aac.mkv silent.mkv pcm.mkv; do printf '%s: ' "$file"; first "$file"; done | tee seen
printf '%s\n' 'film.mp4: picture at 0 ms, chapter at 0.000000 s' 'aac.mkv: picture at 21 ms, chapter at 0.000000 s' \
  'silent.mkv: picture at 0 ms, chapter at 0.000000 s' 'pcm.mkv: picture at 0 ms, chapter at 0.000000 s' | cmp - seen
echo 'as described'
