-- Why: without statistics SQLite assumes that an endpoint has many questions
-- and a question many installations, and reads the main report in an order
-- that it then has to sort on disk. These are the shapes of a real network
-- (rows of the table, then rows for each value of the first columns of the
-- index), the same for every inventory, so that plans are as well.

pragma user_version = 3;

analyze sqlite_schema;

insert into sqlite_stat1 (tbl, idx, stat) values
    ('endpoints',         'sqlite_autoindex_endpoints_1',  '1000000 500000 2 1 1 1'),
    ('endpoints',         'endpoints_by_address',          '1000000 2 1'),
    ('questions',         'sqlite_autoindex_questions_1',  '1200000 2 1 1'),
    ('questions',         'questions_by_server_name',      '200000 20'),
    ('looks',             null,                            '1200000'),
    ('installations',     'installations_answering',       '1200000 1'),
    ('installations',     'installations_by_question',     '2000000 2 1'),
    ('installations',     'installations_by_certificate',  '2000000 3 2'),
    ('installations',     'installations_by_first_scan',   '2000000 20000'),
    ('installations',     'installations_by_ended_scan',   '800000 8000'),
    ('certificates',      'sqlite_autoindex_certificates_1', '1000000 1'),
    ('certificates',      'certificates_by_sha1',          '1000000 1'),
    ('certificates',      'certificates_by_key',           '1000000 2'),
    ('certificates',      'certificates_by_serial',        '1000000 2'),
    ('certificates',      'certificates_by_not_after',     '1000000 10'),
    ('certificate_names', 'certificate_names',             '2500000 3 1'),
    ('chains',            'sqlite_autoindex_chains_1',     '900000 1'),
    ('chain_members',     'chain_members',                 '2500000 3 1'),
    ('chain_members',     'chain_members_by_certificate',  '2500000 3 2 1'),
    ('coverage',          'coverage',                      '1000000 500000 16 8 1'),
    ('name_coverage',     'name_coverage',                 '10000 5000 2 1'),
    ('scans',             null,                            '100');
