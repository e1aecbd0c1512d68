using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace OathServer.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "accepted_elsewhere",
                columns: table => new
                {
                    Subject = table.Column<long>(type: "INTEGER", nullable: false),
                    Code = table.Column<long>(type: "INTEGER", nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_accepted_elsewhere", x => new { x.Subject, x.Code });
                });

            migrationBuilder.CreateTable(
                name: "api_keys",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    Hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    PreviousHash = table.Column<byte[]>(type: "BLOB", nullable: true),
                    PreviousUntil = table.Column<long>(type: "INTEGER", nullable: true),
                    Role = table.Column<string>(type: "TEXT", nullable: false),
                    Realms = table.Column<string>(type: "TEXT", nullable: false),
                    ClientCertificate = table.Column<string>(type: "TEXT", nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    ExpiresAt = table.Column<long>(type: "INTEGER", nullable: true),
                    RevokedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    LastUsedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_api_keys", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "attempt_counts",
                columns: table => new
                {
                    Hour = table.Column<int>(type: "INTEGER", nullable: false),
                    Node = table.Column<int>(type: "INTEGER", nullable: false),
                    Kind = table.Column<int>(type: "INTEGER", nullable: false),
                    Count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_attempt_counts", x => new { x.Hour, x.Node, x.Kind });
                });

            migrationBuilder.CreateTable(
                name: "attempts_counted",
                columns: table => new
                {
                    Node = table.Column<int>(type: "INTEGER", nullable: false),
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_attempts_counted", x => x.Node);
                });

            migrationBuilder.CreateTable(
                name: "audit",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false),
                    Actor = table.Column<string>(type: "TEXT", nullable: false),
                    Action = table.Column<string>(type: "TEXT", nullable: false),
                    Cuid = table.Column<string>(type: "TEXT", nullable: true),
                    Serial = table.Column<string>(type: "TEXT", nullable: true),
                    UserName = table.Column<string>(type: "TEXT", nullable: true),
                    UserSalt = table.Column<byte[]>(type: "BLOB", nullable: true),
                    UserHash = table.Column<byte[]>(type: "BLOB", nullable: true),
                    Origin = table.Column<string>(type: "TEXT", nullable: true),
                    Outcome = table.Column<string>(type: "TEXT", nullable: false),
                    Detail = table.Column<string>(type: "TEXT", nullable: true),
                    DetailSalt = table.Column<byte[]>(type: "BLOB", nullable: true),
                    DetailHash = table.Column<byte[]>(type: "BLOB", nullable: true),
                    Mac = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "cookie_keys",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    SealedValue = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_cookie_keys", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "desk_agents",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    EnrolmentHash = table.Column<byte[]>(type: "BLOB", nullable: true),
                    EnrolmentUntil = table.Column<long>(type: "INTEGER", nullable: true),
                    CredentialHash = table.Column<byte[]>(type: "BLOB", nullable: true),
                    CreatedBy = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    EnrolledAt = table.Column<long>(type: "INTEGER", nullable: true),
                    LastSeenAt = table.Column<long>(type: "INTEGER", nullable: true),
                    RevokedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_desk_agents", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "desk_batches",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    ProfileName = table.Column<string>(type: "TEXT", nullable: false),
                    Shipment = table.Column<string>(type: "TEXT", nullable: true),
                    Realm = table.Column<string>(type: "TEXT", nullable: true),
                    Readers = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<string>(type: "TEXT", nullable: false),
                    Notice = table.Column<string>(type: "TEXT", nullable: true),
                    CreatedBy = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    EndedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_desk_batches", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "imports",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Digest = table.Column<string>(type: "TEXT", nullable: false),
                    FileName = table.Column<string>(type: "TEXT", nullable: false),
                    Format = table.Column<string>(type: "TEXT", nullable: false),
                    ImportedBy = table.Column<string>(type: "TEXT", nullable: false),
                    ImportedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Keys = table.Column<int>(type: "INTEGER", nullable: false),
                    Length = table.Column<long>(type: "INTEGER", nullable: false),
                    Realm = table.Column<string>(type: "TEXT", nullable: false),
                    Report = table.Column<string>(type: "TEXT", nullable: false),
                    Batch = table.Column<string>(type: "TEXT", nullable: true),
                    Caution = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_imports", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "lives_elsewhere",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Realm = table.Column<string>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    NormalizedName = table.Column<string>(type: "TEXT", nullable: false),
                    IsSerial = table.Column<bool>(type: "INTEGER", nullable: false),
                    Token = table.Column<string>(type: "TEXT", nullable: true),
                    FirstAcceptedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    LastAcceptedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Accepted = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_lives_elsewhere", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "people",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Realm = table.Column<string>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    NormalizedName = table.Column<string>(type: "TEXT", nullable: false),
                    DisplayName = table.Column<string>(type: "TEXT", nullable: true),
                    Mail = table.Column<string>(type: "TEXT", nullable: true),
                    EmployeeNumber = table.Column<string>(type: "TEXT", nullable: true),
                    ExternalId = table.Column<string>(type: "TEXT", nullable: true),
                    Active = table.Column<bool>(type: "INTEGER", nullable: false, defaultValue: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    UpdatedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_people", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "profiles",
                columns: table => new
                {
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    Version = table.Column<int>(type: "INTEGER", nullable: false),
                    Decisions = table.Column<string>(type: "TEXT", nullable: false),
                    EditedBy = table.Column<string>(type: "TEXT", nullable: false),
                    EditedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_profiles", x => new { x.Name, x.Version });
                });

            migrationBuilder.CreateTable(
                name: "provisioning_jobs",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    Cuid = table.Column<string>(type: "TEXT", nullable: false),
                    OpenCuid = table.Column<string>(type: "TEXT", nullable: true),
                    State = table.Column<string>(type: "TEXT", nullable: false),
                    ProfileName = table.Column<string>(type: "TEXT", nullable: false),
                    ProfileVersion = table.Column<int>(type: "INTEGER", nullable: false),
                    TokenId = table.Column<long>(type: "INTEGER", nullable: true),
                    PersonId = table.Column<long>(type: "INTEGER", nullable: true),
                    IsPukOnly = table.Column<bool>(type: "INTEGER", nullable: false),
                    StatusBefore = table.Column<string>(type: "TEXT", nullable: true),
                    Operator = table.Column<string>(type: "TEXT", nullable: false),
                    StartedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    EndedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    Trouble = table.Column<string>(type: "TEXT", nullable: true),
                    Lease = table.Column<string>(type: "TEXT", nullable: true),
                    LeaseUntil = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_provisioning_jobs", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "readiness_days",
                columns: table => new
                {
                    Day = table.Column<int>(type: "INTEGER", nullable: false),
                    Batch = table.Column<string>(type: "TEXT", nullable: false),
                    Profile = table.Column<string>(type: "TEXT", nullable: false),
                    Keys = table.Column<int>(type: "INTEGER", nullable: false),
                    Puk = table.Column<int>(type: "INTEGER", nullable: false),
                    Pin = table.Column<int>(type: "INTEGER", nullable: false),
                    FirstCode = table.Column<int>(type: "INTEGER", nullable: false),
                    Fido = table.Column<int>(type: "INTEGER", nullable: false),
                    Record = table.Column<int>(type: "INTEGER", nullable: false),
                    Orphans = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_readiness_days", x => new { x.Day, x.Batch, x.Profile });
                });

            migrationBuilder.CreateTable(
                name: "realm_policies",
                columns: table => new
                {
                    Realm = table.Column<string>(type: "TEXT", nullable: false),
                    Version = table.Column<int>(type: "INTEGER", nullable: false),
                    LookAhead = table.Column<int>(type: "INTEGER", nullable: false),
                    ResyncWindow = table.Column<int>(type: "INTEGER", nullable: false),
                    FirstUseWindow = table.Column<int>(type: "INTEGER", nullable: false),
                    TimeStepTolerance = table.Column<int>(type: "INTEGER", nullable: false),
                    FastFailures = table.Column<int>(type: "INTEGER", nullable: false),
                    FirstDelaySeconds = table.Column<int>(type: "INTEGER", nullable: false),
                    LongestDelaySeconds = table.Column<int>(type: "INTEGER", nullable: false),
                    HardCap = table.Column<int>(type: "INTEGER", nullable: false),
                    Pin = table.Column<int>(type: "INTEGER", nullable: false),
                    ChangedBy = table.Column<string>(type: "TEXT", nullable: false),
                    ChangedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_realm_policies", x => x.Realm);
                });

            migrationBuilder.CreateTable(
                name: "reveal_asks",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    Cuid = table.Column<string>(type: "TEXT", nullable: false),
                    What = table.Column<string>(type: "TEXT", nullable: false),
                    Reason = table.Column<string>(type: "TEXT", nullable: false),
                    AskedBy = table.Column<string>(type: "TEXT", nullable: false),
                    AskedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    ExpiresAt = table.Column<long>(type: "INTEGER", nullable: false),
                    DecidedBy = table.Column<string>(type: "TEXT", nullable: true),
                    DecidedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    Approved = table.Column<bool>(type: "INTEGER", nullable: false),
                    ShownAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_reveal_asks", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "sealing_keys",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", nullable: false),
                    Canary = table.Column<byte[]>(type: "BLOB", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_sealing_keys", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "server_secrets",
                columns: table => new
                {
                    Purpose = table.Column<string>(type: "TEXT", nullable: false),
                    Version = table.Column<int>(type: "INTEGER", nullable: false),
                    SealedValue = table.Column<byte[]>(type: "BLOB", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_server_secrets", x => new { x.Purpose, x.Version });
                });

            migrationBuilder.CreateTable(
                name: "spent_challenges",
                columns: table => new
                {
                    Hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    ForgetAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_spent_challenges", x => x.Hash);
                });

            migrationBuilder.CreateTable(
                name: "staff",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Role = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    DisabledAt = table.Column<long>(type: "INTEGER", nullable: true),
                    LastSignInAt = table.Column<long>(type: "INTEGER", nullable: true),
                    UserName = table.Column<string>(type: "TEXT", nullable: true),
                    NormalizedUserName = table.Column<string>(type: "TEXT", nullable: true),
                    PasswordHash = table.Column<string>(type: "TEXT", nullable: true),
                    SecurityStamp = table.Column<string>(type: "TEXT", nullable: true),
                    ConcurrencyStamp = table.Column<string>(type: "TEXT", nullable: true),
                    LockoutEnd = table.Column<long>(type: "INTEGER", nullable: true),
                    LockoutEnabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    AccessFailedCount = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_staff", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "validation_log",
                columns: table => new
                {
                    node = table.Column<int>(type: "INTEGER", nullable: false),
                    sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    entries = table.Column<byte[]>(type: "BLOB", nullable: false),
                    mac = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_validation_log", x => new { x.node, x.sequence });
                });

            migrationBuilder.CreateTable(
                name: "webhooks",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    Url = table.Column<string>(type: "TEXT", nullable: false),
                    Actions = table.Column<string>(type: "TEXT", nullable: false),
                    SealedSecret = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Cursor = table.Column<long>(type: "INTEGER", nullable: false),
                    Failures = table.Column<int>(type: "INTEGER", nullable: false),
                    NextAttemptAt = table.Column<long>(type: "INTEGER", nullable: false),
                    LastDeliveredAt = table.Column<long>(type: "INTEGER", nullable: true),
                    LastFault = table.Column<string>(type: "TEXT", nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_webhooks", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "desk_batch_lines",
                columns: table => new
                {
                    BatchId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Ordinal = table.Column<int>(type: "INTEGER", nullable: false),
                    UserName = table.Column<string>(type: "TEXT", nullable: false),
                    Serial = table.Column<string>(type: "TEXT", nullable: true),
                    State = table.Column<string>(type: "TEXT", nullable: false),
                    Cuid = table.Column<string>(type: "TEXT", nullable: true),
                    JobId = table.Column<Guid>(type: "TEXT", nullable: true),
                    ClaimedUntil = table.Column<long>(type: "INTEGER", nullable: true),
                    Trouble = table.Column<string>(type: "TEXT", nullable: true),
                    Milliseconds = table.Column<int>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_desk_batch_lines", x => new { x.BatchId, x.Ordinal });
                    table.ForeignKey(
                        name: "FK_desk_batch_lines_desk_batches_BatchId",
                        column: x => x.BatchId,
                        principalTable: "desk_batches",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "records",
                columns: table => new
                {
                    Cuid = table.Column<string>(type: "TEXT", nullable: false),
                    CuidSource = table.Column<string>(type: "TEXT", nullable: false),
                    DeviceSerial = table.Column<string>(type: "TEXT", nullable: true),
                    Model = table.Column<string>(type: "TEXT", nullable: true),
                    Firmware = table.Column<string>(type: "TEXT", nullable: true),
                    Status = table.Column<string>(type: "TEXT", nullable: false),
                    PersonId = table.Column<long>(type: "INTEGER", nullable: true),
                    ProfileName = table.Column<string>(type: "TEXT", nullable: true),
                    ProfileVersion = table.Column<int>(type: "INTEGER", nullable: false),
                    Batch = table.Column<string>(type: "TEXT", nullable: true),
                    ProvisionedBy = table.Column<string>(type: "TEXT", nullable: true),
                    ProvisionedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    PinMethod = table.Column<string>(type: "TEXT", nullable: false),
                    SealedPin = table.Column<byte[]>(type: "BLOB", nullable: true),
                    PukMethod = table.Column<string>(type: "TEXT", nullable: false),
                    SealedPuk = table.Column<byte[]>(type: "BLOB", nullable: true),
                    PukMasterVersion = table.Column<int>(type: "INTEGER", nullable: false),
                    PukProfile = table.Column<string>(type: "TEXT", nullable: true),
                    PukDigits = table.Column<int>(type: "INTEGER", nullable: false),
                    PukAlphabet = table.Column<string>(type: "TEXT", nullable: true),
                    PukSetAt = table.Column<long>(type: "INTEGER", nullable: true),
                    PukAttempt = table.Column<int>(type: "INTEGER", nullable: false),
                    PukKnownToPerson = table.Column<bool>(type: "INTEGER", nullable: false),
                    SealedManagementKey = table.Column<byte[]>(type: "BLOB", nullable: true),
                    FirstCodeAcceptedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    ProvenCounter = table.Column<long>(type: "INTEGER", nullable: true),
                    PukDrilledAt = table.Column<long>(type: "INTEGER", nullable: true),
                    FidoPolicy = table.Column<string>(type: "TEXT", nullable: true),
                    FidoStatus = table.Column<string>(type: "TEXT", nullable: true),
                    Notes = table.Column<string>(type: "TEXT", nullable: true),
                    UpdatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Closed = table.Column<int>(type: "INTEGER", nullable: false, computedColumnSql: "CASE WHEN \"PukMethod\" = 'Derived' OR \"SealedPuk\" IS NOT NULL THEN 1 ELSE 0 END\n+ CASE WHEN \"PinMethod\" <> 'FactoryDefault' THEN 2 ELSE 0 END\n+ CASE WHEN \"FirstCodeAcceptedAt\" IS NOT NULL THEN 4 ELSE 0 END\n+ CASE WHEN \"FidoPolicy\" IS NOT NULL THEN 8 ELSE 0 END\n+ CASE WHEN \"PersonId\" IS NOT NULL AND \"ProvisionedBy\" IS NOT NULL AND \"ProvisionedAt\" IS NOT NULL THEN 16 ELSE 0 END", stored: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_records", x => x.Cuid);
                    table.ForeignKey(
                        name: "FK_records_people_PersonId",
                        column: x => x.PersonId,
                        principalTable: "people",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "provisioning_steps",
                columns: table => new
                {
                    JobId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Ordinal = table.Column<int>(type: "INTEGER", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<string>(type: "TEXT", nullable: false),
                    SealedOld = table.Column<byte[]>(type: "BLOB", nullable: true),
                    SealedNew = table.Column<byte[]>(type: "BLOB", nullable: true),
                    Detail = table.Column<string>(type: "TEXT", nullable: true),
                    MasterVersion = table.Column<int>(type: "INTEGER", nullable: false),
                    Attempt = table.Column<int>(type: "INTEGER", nullable: false),
                    LastTried = table.Column<string>(type: "TEXT", nullable: false),
                    Before = table.Column<long>(type: "INTEGER", nullable: true),
                    ChangedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_provisioning_steps", x => new { x.JobId, x.Ordinal });
                    table.ForeignKey(
                        name: "FK_provisioning_steps_provisioning_jobs_JobId",
                        column: x => x.JobId,
                        principalTable: "provisioning_jobs",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "staff_links",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    StaffId = table.Column<int>(type: "INTEGER", nullable: true),
                    ExpiresAt = table.Column<long>(type: "INTEGER", nullable: false),
                    UsedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_staff_links", x => x.Id);
                    table.ForeignKey(
                        name: "FK_staff_links_staff_StaffId",
                        column: x => x.StaffId,
                        principalTable: "staff",
                        principalColumn: "Id");
                });

            migrationBuilder.CreateTable(
                name: "staff_passkeys",
                columns: table => new
                {
                    CredentialId = table.Column<byte[]>(type: "BLOB", maxLength: 1023, nullable: false),
                    UserId = table.Column<int>(type: "INTEGER", nullable: false),
                    Data = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_staff_passkeys", x => x.CredentialId);
                    table.ForeignKey(
                        name: "FK_staff_passkeys_staff_UserId",
                        column: x => x.UserId,
                        principalTable: "staff",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "tokens",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Serial = table.Column<string>(type: "TEXT", nullable: false),
                    Realm = table.Column<string>(type: "TEXT", nullable: false),
                    Type = table.Column<byte>(type: "INTEGER", nullable: false),
                    Algorithm = table.Column<byte>(type: "INTEGER", nullable: false),
                    Digits = table.Column<int>(type: "INTEGER", nullable: false),
                    TimeStep = table.Column<int>(type: "INTEGER", nullable: false),
                    SealedSecret = table.Column<byte[]>(type: "BLOB", nullable: false),
                    StartCounter = table.Column<long>(type: "INTEGER", nullable: false),
                    PersonId = table.Column<long>(type: "INTEGER", nullable: true),
                    Cuid = table.Column<string>(type: "TEXT", nullable: true),
                    Batch = table.Column<string>(type: "TEXT", nullable: true),
                    ImportId = table.Column<long>(type: "INTEGER", nullable: true),
                    Manufacturer = table.Column<string>(type: "TEXT", nullable: true),
                    DeviceSerial = table.Column<string>(type: "TEXT", nullable: true),
                    IssueNumber = table.Column<string>(type: "TEXT", nullable: true),
                    KeyId = table.Column<string>(type: "TEXT", nullable: true),
                    DisabledReason = table.Column<string>(type: "TEXT", nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tokens", x => x.Id);
                    table.ForeignKey(
                        name: "FK_tokens_imports_ImportId",
                        column: x => x.ImportId,
                        principalTable: "imports",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "FK_tokens_people_PersonId",
                        column: x => x.PersonId,
                        principalTable: "people",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "FK_tokens_records_Cuid",
                        column: x => x.Cuid,
                        principalTable: "records",
                        principalColumn: "Cuid",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "pending_seeds",
                columns: table => new
                {
                    TokenId = table.Column<long>(type: "INTEGER", nullable: false),
                    Generation = table.Column<int>(type: "INTEGER", nullable: false),
                    SealedSecret = table.Column<byte[]>(type: "BLOB", nullable: false),
                    StartCounter = table.Column<long>(type: "INTEGER", nullable: false),
                    StagedBy = table.Column<string>(type: "TEXT", nullable: false),
                    StagedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_pending_seeds", x => x.TokenId);
                    table.ForeignKey(
                        name: "FK_pending_seeds_tokens_TokenId",
                        column: x => x.TokenId,
                        principalTable: "tokens",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "token_counters",
                columns: table => new
                {
                    token_id = table.Column<long>(type: "INTEGER", nullable: false),
                    counter = table.Column<long>(type: "INTEGER", nullable: false),
                    generation = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    flags = table.Column<int>(type: "INTEGER", nullable: false),
                    failures = table.Column<int>(type: "INTEGER", nullable: false),
                    locked_until = table.Column<long>(type: "INTEGER", nullable: false),
                    drift = table.Column<int>(type: "INTEGER", nullable: false),
                    last_accepted_at = table.Column<long>(type: "INTEGER", nullable: false),
                    last_request = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_token_counters", x => x.token_id);
                    table.ForeignKey(
                        name: "FK_token_counters_tokens_token_id",
                        column: x => x.token_id,
                        principalTable: "tokens",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "token_pins",
                columns: table => new
                {
                    TokenId = table.Column<long>(type: "INTEGER", nullable: false),
                    Scheme = table.Column<string>(type: "TEXT", nullable: false),
                    SealedVerifier = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Version = table.Column<int>(type: "INTEGER", nullable: false),
                    PersonId = table.Column<long>(type: "INTEGER", nullable: true),
                    Source = table.Column<string>(type: "TEXT", nullable: true),
                    SetBy = table.Column<string>(type: "TEXT", nullable: false),
                    SetAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_token_pins", x => x.TokenId);
                    table.ForeignKey(
                        name: "FK_token_pins_tokens_TokenId",
                        column: x => x.TokenId,
                        principalTable: "tokens",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_accepted_elsewhere_At",
                table: "accepted_elsewhere",
                column: "At");

            migrationBuilder.CreateIndex(
                name: "IX_api_keys_Hash",
                table: "api_keys",
                column: "Hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_api_keys_Name",
                table: "api_keys",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_api_keys_PreviousHash",
                table: "api_keys",
                column: "PreviousHash");

            migrationBuilder.CreateIndex(
                name: "IX_audit_Action_Sequence",
                table: "audit",
                columns: new[] { "Action", "Sequence" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_Cuid",
                table: "audit",
                column: "Cuid");

            migrationBuilder.CreateIndex(
                name: "IX_audit_Serial",
                table: "audit",
                column: "Serial");

            migrationBuilder.CreateIndex(
                name: "IX_desk_agents_CredentialHash",
                table: "desk_agents",
                column: "CredentialHash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_desk_agents_EnrolmentHash",
                table: "desk_agents",
                column: "EnrolmentHash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_desk_batch_lines_Cuid",
                table: "desk_batch_lines",
                column: "Cuid");

            migrationBuilder.CreateIndex(
                name: "IX_desk_batches_CreatedAt",
                table: "desk_batches",
                column: "CreatedAt");

            migrationBuilder.CreateIndex(
                name: "IX_desk_batches_State",
                table: "desk_batches",
                column: "State");

            migrationBuilder.CreateIndex(
                name: "IX_imports_Batch",
                table: "imports",
                column: "Batch");

            migrationBuilder.CreateIndex(
                name: "IX_imports_Digest",
                table: "imports",
                column: "Digest");

            migrationBuilder.CreateIndex(
                name: "IX_lives_elsewhere_Realm_NormalizedName_IsSerial",
                table: "lives_elsewhere",
                columns: new[] { "Realm", "NormalizedName", "IsSerial" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_people_EmployeeNumber",
                table: "people",
                column: "EmployeeNumber");

            migrationBuilder.CreateIndex(
                name: "IX_people_Mail",
                table: "people",
                column: "Mail");

            migrationBuilder.CreateIndex(
                name: "IX_people_NormalizedName",
                table: "people",
                column: "NormalizedName");

            migrationBuilder.CreateIndex(
                name: "IX_people_Realm_ExternalId",
                table: "people",
                columns: new[] { "Realm", "ExternalId" });

            migrationBuilder.CreateIndex(
                name: "IX_people_Realm_NormalizedName",
                table: "people",
                columns: new[] { "Realm", "NormalizedName" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_provisioning_jobs_Cuid",
                table: "provisioning_jobs",
                column: "Cuid");

            migrationBuilder.CreateIndex(
                name: "IX_provisioning_jobs_OpenCuid",
                table: "provisioning_jobs",
                column: "OpenCuid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_provisioning_jobs_StartedAt",
                table: "provisioning_jobs",
                column: "StartedAt");

            migrationBuilder.CreateIndex(
                name: "IX_records_Batch_Cuid",
                table: "records",
                columns: new[] { "Batch", "Cuid" });

            migrationBuilder.CreateIndex(
                name: "IX_records_Closed_Batch_ProfileName_Status_PukKnownToPerson",
                table: "records",
                columns: new[] { "Closed", "Batch", "ProfileName", "Status", "PukKnownToPerson" });

            migrationBuilder.CreateIndex(
                name: "IX_records_Closed_Cuid",
                table: "records",
                columns: new[] { "Closed", "Cuid" });

            migrationBuilder.CreateIndex(
                name: "IX_records_DeviceSerial",
                table: "records",
                column: "DeviceSerial");

            migrationBuilder.CreateIndex(
                name: "IX_records_PersonId",
                table: "records",
                column: "PersonId");

            migrationBuilder.CreateIndex(
                name: "IX_records_ProvisionedAt",
                table: "records",
                column: "ProvisionedAt");

            migrationBuilder.CreateIndex(
                name: "IX_records_PukMasterVersion_Status_Batch_ProfileName_PukKnownToPerson",
                table: "records",
                columns: new[] { "PukMasterVersion", "Status", "Batch", "ProfileName", "PukKnownToPerson" },
                filter: "\"PukMethod\" = 'Derived'");

            migrationBuilder.CreateIndex(
                name: "IX_records_PukSetAt_Status_Batch_ProfileName_PukKnownToPerson",
                table: "records",
                columns: new[] { "PukSetAt", "Status", "Batch", "ProfileName", "PukKnownToPerson" },
                filter: "\"PukMethod\" = 'Batch'");

            migrationBuilder.CreateIndex(
                name: "IX_records_Status_Batch_ProfileName",
                table: "records",
                columns: new[] { "Status", "Batch", "ProfileName" },
                filter: "\"PukKnownToPerson\"");

            migrationBuilder.CreateIndex(
                name: "IX_records_Status_Cuid",
                table: "records",
                columns: new[] { "Status", "Cuid" });

            migrationBuilder.CreateIndex(
                name: "IX_reveal_asks_Cuid",
                table: "reveal_asks",
                column: "Cuid");

            migrationBuilder.CreateIndex(
                name: "IX_reveal_asks_ExpiresAt",
                table: "reveal_asks",
                column: "ExpiresAt");

            migrationBuilder.CreateIndex(
                name: "IX_staff_NormalizedUserName",
                table: "staff",
                column: "NormalizedUserName",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_staff_links_Hash",
                table: "staff_links",
                column: "Hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_staff_links_StaffId",
                table: "staff_links",
                column: "StaffId");

            migrationBuilder.CreateIndex(
                name: "IX_staff_passkeys_UserId",
                table: "staff_passkeys",
                column: "UserId");

            migrationBuilder.CreateIndex(
                name: "IX_tokens_Batch",
                table: "tokens",
                column: "Batch");

            migrationBuilder.CreateIndex(
                name: "IX_tokens_Cuid",
                table: "tokens",
                column: "Cuid");

            migrationBuilder.CreateIndex(
                name: "IX_tokens_DeviceSerial",
                table: "tokens",
                column: "DeviceSerial");

            migrationBuilder.CreateIndex(
                name: "IX_tokens_ImportId_Serial",
                table: "tokens",
                columns: new[] { "ImportId", "Serial" });

            migrationBuilder.CreateIndex(
                name: "IX_tokens_PersonId",
                table: "tokens",
                column: "PersonId");

            migrationBuilder.CreateIndex(
                name: "IX_tokens_Serial",
                table: "tokens",
                column: "Serial",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_webhooks_Name",
                table: "webhooks",
                column: "Name",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "accepted_elsewhere");

            migrationBuilder.DropTable(
                name: "api_keys");

            migrationBuilder.DropTable(
                name: "attempt_counts");

            migrationBuilder.DropTable(
                name: "attempts_counted");

            migrationBuilder.DropTable(
                name: "audit");

            migrationBuilder.DropTable(
                name: "cookie_keys");

            migrationBuilder.DropTable(
                name: "desk_agents");

            migrationBuilder.DropTable(
                name: "desk_batch_lines");

            migrationBuilder.DropTable(
                name: "lives_elsewhere");

            migrationBuilder.DropTable(
                name: "pending_seeds");

            migrationBuilder.DropTable(
                name: "profiles");

            migrationBuilder.DropTable(
                name: "provisioning_steps");

            migrationBuilder.DropTable(
                name: "readiness_days");

            migrationBuilder.DropTable(
                name: "realm_policies");

            migrationBuilder.DropTable(
                name: "reveal_asks");

            migrationBuilder.DropTable(
                name: "sealing_keys");

            migrationBuilder.DropTable(
                name: "server_secrets");

            migrationBuilder.DropTable(
                name: "spent_challenges");

            migrationBuilder.DropTable(
                name: "staff_links");

            migrationBuilder.DropTable(
                name: "staff_passkeys");

            migrationBuilder.DropTable(
                name: "token_counters");

            migrationBuilder.DropTable(
                name: "token_pins");

            migrationBuilder.DropTable(
                name: "validation_log");

            migrationBuilder.DropTable(
                name: "webhooks");

            migrationBuilder.DropTable(
                name: "desk_batches");

            migrationBuilder.DropTable(
                name: "provisioning_jobs");

            migrationBuilder.DropTable(
                name: "staff");

            migrationBuilder.DropTable(
                name: "tokens");

            migrationBuilder.DropTable(
                name: "imports");

            migrationBuilder.DropTable(
                name: "records");

            migrationBuilder.DropTable(
                name: "people");
        }
    }
}
