#include "drivers/driver.hpp"
