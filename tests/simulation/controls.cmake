# Shows that the simulation sees what it is there to see: each sabotage is found within a few seeds, by the sentence that
# belongs to it, with the command that plays it again; and the same seed is the same twice.
cmake_minimum_required(VERSION 3.25)

set(ack-before-commit "I3: ")         # the collector's storage forgets its last commits at a crash
set(swallow-block "I2: ")             # a block is not stored
set(apply-twice "I1: stored twice")   # a block is stored twice
set(reuse-epoch "I[14]: ")            # an agent's start draws the epoch of the run before
set(roll-back-outbox "I[17]: ")       # the outbox goes back to an older copy, and nobody is told
set(drop-frame "stream: ")            # a connection swallows a frame and stays up
set(lying-disk "I[13]: ")             # a disk says "synced" and has not

foreach(sabotage ack-before-commit swallow-block apply-twice reuse-epoch roll-back-outbox drop-frame lying-disk)
  execute_process(COMMAND ${SIMULATION} --seeds 20 --max-days 3 --sabotage ${sabotage}
                  OUTPUT_VARIABLE said RESULT_VARIABLE result)
  if(NOT result EQUAL 1 OR NOT said MATCHES "seed [0-9]+ violates ${${sabotage}}")
    message(FATAL_ERROR "${sabotage} is not found (${result}):\n${said}")
  endif()
  if(NOT said MATCHES "replay: kw_simulation --seed [0-9]+ --trace --max-days 3 --sabotage ${sabotage}\n")
    message(FATAL_ERROR "${sabotage}: no command to play it again:\n${said}")
  endif()
  string(REGEX MATCH "seed [^\n]*" found "${said}")
  message(STATUS "${sabotage}: ${found}")
endforeach()

foreach(time 1 2)
  execute_process(COMMAND ${SIMULATION} --seed 4 OUTPUT_VARIABLE said${time} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "without sabotage:\n${said${time}}")
  endif()
endforeach()
if(NOT said1 STREQUAL said2)
  message(FATAL_ERROR "one seed, two runs:\n${said1}${said2}")
endif()
