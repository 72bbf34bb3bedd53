#!/bin/sh
# Makes clips.json: one tiny clip for each decoder that a node tries at its start, in base64. Needs an ffmpeg with all of
# these encoders (Debian's has them). Run by hand when a decoder is added; the result is committed, because the builds
# that are tried have few encoders themselves.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# word container size pixel-format encoder-arguments…
clip() {
  word=$1 container=$2 size=$3 pixels=$4
  shift 4
  ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=s=$size:r=25:d=0.04" -frames:v 1 -pix_fmt "$pixels" "$@" \
    -map_metadata -1 -fflags +bitexact -flags:v +bitexact -f "$container" "$work/$word"
}

clip h264 nut 64x64 yuv420p -c:v libx264 -crf 40 -bsf:v filter_units=remove_types=6
clip h264-10 nut 64x64 yuv420p10le -c:v libx264 -crf 40 -bsf:v filter_units=remove_types=6
clip hevc nut 64x64 yuv420p -c:v libx265 -crf 40 -x265-params info=0:log-level=none
clip hevc10 nut 64x64 yuv420p10le -c:v libx265 -crf 40 -x265-params info=0:log-level=none
clip vp8 nut 64x64 yuv420p -c:v libvpx -crf 40 -b:v 100k
clip vp9 nut 64x64 yuv420p -c:v libvpx-vp9 -crf 50 -b:v 0
clip vp9-10 nut 64x64 yuv420p10le -c:v libvpx-vp9 -crf 50 -b:v 0
clip av1 nut 64x64 yuv420p -c:v libaom-av1 -crf 50 -cpu-used 8
clip av1-10 nut 64x64 yuv420p10le -c:v libaom-av1 -crf 50 -cpu-used 8
clip mpeg1video nut 64x64 yuv420p -c:v mpeg1video -q:v 20
clip mpeg2video nut 64x64 yuv420p -c:v mpeg2video -q:v 20
clip mpeg4 nut 64x64 yuv420p -c:v mpeg4 -q:v 20
clip msmpeg4v3 nut 64x64 yuv420p -c:v msmpeg4 -q:v 20
clip msmpeg4v2 nut 64x64 yuv420p -c:v msmpeg4v2 -q:v 20
clip wmv1 asf 64x64 yuv420p -c:v wmv1 -q:v 20
clip wmv2 asf 64x64 yuv420p -c:v wmv2 -q:v 20
clip flv1 nut 64x64 yuv420p -c:v flv -q:v 20
clip h263 nut 128x96 yuv420p -c:v h263 -q:v 20
clip theora nut 64x64 yuv420p -c:v libtheora -q:v 1
clip mjpeg nut 64x64 yuvj420p -c:v mjpeg -q:v 20
clip prores mov 64x64 yuv422p10le -c:v prores_ks -profile:v 0
clip dnxhd mov 256x120 yuv422p -c:v dnxhd -profile:v dnxhr_lb
clip ffv1 nut 32x32 yuv420p -c:v ffv1
clip huffyuv nut 32x32 yuv422p -c:v huffyuv
clip ffvhuff nut 32x32 yuv420p -c:v ffvhuff
clip utvideo nut 32x32 yuv420p -c:v utvideo
clip qtrle mov 32x32 rgb24 -c:v qtrle
clip png mov 32x32 rgb24 -c:v png
clip rawvideo nut 16x16 yuv420p -c:v rawvideo
clip mpegts mpegts 64x64 yuv420p -c:v mpeg2video -q:v 20

# Not a decoder's: four interlaced pictures that move, for the trial of bwdif.
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=64x64:r=50:d=0.16 -vf tinterlace=interleave_top -frames:v 4 -c:v mpeg2video \
  -flags +ilme+ildct -q:v 10 -bf 0 -map_metadata -1 -fflags +bitexact -flags:v +bitexact+ilme+ildct -f nut "$work/interlaced"

{
  separator='{'
  for file in "$work"/*; do
    printf '%s\n  "%s": "%s"' "$separator" "${file##*/}" "$(base64 -w0 "$file")"
    separator=','
  done
  printf '\n}\n'
} >clips.json
