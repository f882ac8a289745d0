target_sources(kw_common PRIVATE)
