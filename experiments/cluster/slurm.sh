#!/bin/bash
# A search on whole nodes of a SLURM cluster: `sbatch experiments/cluster/slurm.sh experiments/demo.yaml`.
# Submitted again it goes on where it was: SIGTERM comes two minutes before the time limit, and what is done is saved.
#SBATCH --job-name=ganarena
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail

file=${1:?which experiment file?}
home=${ARENA_HOME:-$SLURM_SUBMIT_DIR/arena} # on a file system that all nodes share
port=6379
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=1

srun --nodes=1 --ntasks=1 --overlap -w "$head" ray start --head --port="$port" --block &
until ray status --address "$head:$port" >/dev/null 2>&1; do sleep 2; done
srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks-per-node=1 --exclude="$head" ray start --address "$head:$port" --block &

ganarena search "$file" --address "$head:$port" --home "$home" --resume &
search=$!
trap 'kill -TERM "$search"' TERM
wait "$search" || wait "$search" # the first is broken off by the signal
