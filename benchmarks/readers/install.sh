#!/bin/sh
# Environments of the trainers that benchmarks/readback.py asks, one each, below the cache; what is there is kept.
#
#     benchmarks/readers/install.sh [ms-swift] [llama-factory] [axolotl] [lmflow] [verl] [skyrl] [verifiers]
#
# (none named: all.) LMFlow's package on PyPI is an empty name: LMFLOW=FOLDER gives a checkout of its repository.
# PYTHON names the Python (default: python3, 3.11 or newer); TORCH a version that has a build for the processor alone.
# Trainers whose other requirements want GPUs or builds are installed without them, beside what their data code imports.
set -eu

HERE=${READBACK:-${GRISTMILL_CACHE:-$HOME/.cache/gristmill}/readback}
TORCH=${TORCH:-2.13.0}
SWIFT=4.6.0 LLAMAFACTORY=0.9.5 AXOLOTL=0.19.0 VERL=0.9.1 SKYRL=0.3.0 VERIFIERS=0.4.0

begin() { # NAME
    mkdir -p "$HERE"
    [ -x "$HERE/$1/bin/python" ] || "${PYTHON:-python3}" -m venv "$HERE/$1"
    PIP="$HERE/$1/bin/python -m pip install --quiet --no-compile --disable-pip-version-check"
}

for trainer in ${*:-ms-swift llama-factory axolotl lmflow verl skyrl verifiers}; do
    begin "$trainer"
    case $trainer in
    ms-swift)
        $PIP "torch==$TORCH" && $PIP "ms-swift==$SWIFT"
        ;;
    llama-factory)
        $PIP "torch==$TORCH" "transformers>=4.55,<=5.6.0,!=4.57.0" "datasets<=4.0.0" "peft==0.18.1" "trl<=0.24.0" \
            "accelerate<=1.11.0" "tyro<0.9.0" omegaconf einops fire "numpy<3" pandas sentencepiece tiktoken \
            modelscope hf-transfer matplotlib av pyyaml packaging protobuf pydantic safetensors scipy
        $PIP --no-deps "llamafactory==$LLAMAFACTORY"
        ;;
    axolotl)
        $PIP "torch==$TORCH" transformers==5.16.1 datasets==4.8.4 peft==0.20.0 accelerate==1.13.0 trl==1.9.0 \
            huggingface_hub==1.17.0 pydantic==2.12.5 addict fire PyYAML requests einops colorama numba python-dotenv \
            art fastcore schedulefree "mistral-common==1.11.5" posthog packaging psutil sentencepiece
        $PIP --no-deps "axolotl==$AXOLOTL" axolotl-contribs-lgpl==0.0.7 axolotl-contribs-mit==0.0.6
        ;;
    lmflow)
        : "${LMFLOW:?a checkout of LMFlow\'s repository: LMFLOW=FOLDER}"
        $PIP "torch==$TORCH" "transformers<5" datasets==3.6.0 "peft<0.18" accelerate evaluate==0.4.0 pydantic einops \
            tensordict sentencepiece tqdm
        $PIP --no-deps "$LMFLOW"
        ;;
    verl)
        $PIP "torch==$TORCH" "transformers>=5.5.3,<5.11,!=5.6.0" datasets "tensordict>=0.8,<=0.10,!=0.9.0" torchdata \
            hydra-core omegaconf pandas pyarrow codetiming dill pybind11 pylatexenc "numpy>=2" accelerate peft pillow \
            "ray>=2.41" packaging cachetools
        $PIP --no-deps "verl==$VERL"
        ;;
    skyrl)
        $PIP "torch==$TORCH" && $PIP "skyrl==$SKYRL" loguru
        ;;
    verifiers)
        $PIP "verifiers==$VERIFIERS"
        ;;
    *)
        echo "no such trainer: $trainer" >&2
        exit 2
        ;;
    esac
done
