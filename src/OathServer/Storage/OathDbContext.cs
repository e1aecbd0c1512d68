using System.Text.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace OathServer.Storage;

/// <summary>The model, once for every database. Counters are read here and written only by <see cref="CounterCommit"/>.</summary>
internal abstract class OathDbContext(DbContextOptions options) : DbContext(options)
{
    public DbSet<Token> Tokens => Set<Token>();

    public DbSet<PendingSeed> PendingSeeds => Set<PendingSeed>();

    public DbSet<TokenPin> TokenPins => Set<TokenPin>();

    public DbSet<TokenCounter> Counters => Set<TokenCounter>();

    public DbSet<Person> People => Set<Person>();

    public DbSet<KeyRecord> Records => Set<KeyRecord>();

    public DbSet<ReadinessDay> ReadinessDays => Set<ReadinessDay>();

    public DbSet<ImportedFile> Imports => Set<ImportedFile>();

    public DbSet<ProvisioningJob> Jobs => Set<ProvisioningJob>();

    public DbSet<ProvisioningStep> Steps => Set<ProvisioningStep>();

    public DbSet<RolloutProfileVersion> Profiles => Set<RolloutProfileVersion>();

    public DbSet<RealmPolicy> RealmPolicies => Set<RealmPolicy>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<DeskAgent> Agents => Set<DeskAgent>();

    public DbSet<DeskBatch> DeskBatches => Set<DeskBatch>();

    public DbSet<DeskBatchLine> DeskBatchLines => Set<DeskBatchLine>();

    public DbSet<StaffMember> Staff => Set<StaffMember>();

    public DbSet<StaffLink> StaffLinks => Set<StaffLink>();

    public DbSet<SpentChallenge> SpentChallenges => Set<SpentChallenge>();

    public DbSet<CookieKey> CookieKeys => Set<CookieKey>();

    public DbSet<Webhook> Webhooks => Set<Webhook>();

    public DbSet<AcceptedElsewhere> AcceptedElsewhere => Set<AcceptedElsewhere>();

    public DbSet<LivesElsewhere> LivesElsewhere => Set<LivesElsewhere>();

    public DbSet<RevealAsk> RevealAsks => Set<RevealAsk>();

    public DbSet<AuditEntry> Audit => Set<AuditEntry>();

    public DbSet<ValidationBatch> ValidationBatches => Set<ValidationBatch>();

    public DbSet<AttemptCount> AttemptCounts => Set<AttemptCount>();

    public DbSet<AttemptsCounted> AttemptsCounted => Set<AttemptsCounted>();

    public DbSet<SealingKey> SealingKeys => Set<SealingKey>();

    public DbSet<ServerSecret> ServerSecrets => Set<ServerSecret>();

    // A start would build the model twice more to see that the migrations hold it; a test does (ModelTests).
    protected override void OnConfiguring(DbContextOptionsBuilder options) =>
        options.ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning));

    protected override void ConfigureConventions(ModelConfigurationBuilder configuration)
    {
        // Both databases then store and order times alike.
        configuration.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();
        configuration.Properties<KeyStatus>().HaveConversion<string>();
        configuration.Properties<PinScheme>().HaveConversion<string>();
        configuration.Properties<PinMethod>().HaveConversion<string>();
        configuration.Properties<PukMethod>().HaveConversion<string>();
        configuration.Properties<JobState>().HaveConversion<string>();
        configuration.Properties<StepState>().HaveConversion<string>();
        configuration.Properties<ProbedValue>().HaveConversion<string>();
        configuration.Properties<DeskBatchState>().HaveConversion<string>();
        configuration.Properties<DeskLineState>().HaveConversion<string>();
    }

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<Token>(token =>
        {
            token.ToTable("tokens");
            token.HasIndex(t => t.Serial).IsUnique();
            token.HasIndex(t => t.PersonId);
            token.HasIndex(t => t.Cuid);
            token.HasIndex(t => t.DeviceSerial);
            token.HasIndex(t => new { t.ImportId, t.Serial });
            token.HasIndex(t => t.Batch);
            token.HasOne(t => t.Counter).WithOne().HasForeignKey<TokenCounter>(c => c.TokenId);
            token.HasOne(t => t.Person).WithMany().HasForeignKey(t => t.PersonId).OnDelete(DeleteBehavior.Restrict);
            token.HasOne(t => t.Import).WithMany().HasForeignKey(t => t.ImportId).OnDelete(DeleteBehavior.Restrict);
        });
        model.Entity<TokenCounter>(counter =>
        {
            counter.ToTable("token_counters");
            counter.HasKey(c => c.TokenId);
            counter.Property(c => c.TokenId).HasColumnName("token_id").ValueGeneratedNever();
            counter.Property(c => c.Counter).HasColumnName("counter");
            counter.Property(c => c.Generation).HasColumnName("generation");
            counter.Property(c => c.State).HasColumnName("state").HasConversion<int>();
            counter.Property(c => c.Flags).HasColumnName("flags").HasConversion<int>();
            counter.Property(c => c.Failures).HasColumnName("failures");
            counter.Property(c => c.LockedUntil).HasColumnName("locked_until");
            counter.Property(c => c.Drift).HasColumnName("drift");
            counter.Property(c => c.LastAcceptedAt).HasColumnName("last_accepted_at");
            counter.Property(c => c.LastRequest).HasColumnName("last_request");
        });
        model.Entity<PendingSeed>(pending =>
        {
            pending.ToTable("pending_seeds");
            pending.HasKey(p => p.TokenId);
            pending.Property(p => p.TokenId).ValueGeneratedNever();
            pending.HasOne<Token>().WithOne().HasForeignKey<PendingSeed>(p => p.TokenId);
        });
        model.Entity<TokenPin>(pin =>
        {
            pin.ToTable("token_pins");
            pin.HasKey(p => p.TokenId);
            pin.Property(p => p.TokenId).ValueGeneratedNever();
            pin.HasOne<Token>().WithOne().HasForeignKey<TokenPin>(p => p.TokenId);
        });
        model.Entity<Person>(person =>
        {
            person.ToTable("people");
            person.HasIndex(p => new { p.Realm, p.NormalizedName }).IsUnique();
            person.HasIndex(p => new { p.Realm, p.ExternalId });
            // The help desk's search asks for one of these at a time, whatever the realm.
            person.HasIndex(p => p.NormalizedName);
            person.HasIndex(p => p.Mail);
            person.HasIndex(p => p.EmployeeNumber);
            // People stored before there was a directory are here.
            person.Property(p => p.Active).HasDefaultValue(true).HasSentinel(true);
        });
        model.Entity<ImportedFile>(import =>
        {
            import.ToTable("imports");
            import.HasIndex(i => i.Digest);
            import.HasIndex(i => i.Batch);
        });
        model.Entity<KeyRecord>(record =>
        {
            record.ToTable("records");
            record.HasKey(r => r.Cuid);
            record.HasIndex(r => r.DeviceSerial);
            record.Property(r => r.Closed).HasComputedColumnSql(KeyRecord.ClosedSql, stored: true);
            // Readiness reads this index and nothing else of the records; what is open stands at its beginning.
            record.HasIndex(r => new { r.Closed, r.Batch, r.ProfileName, r.Status, r.PukKnownToPerson });
            // The first keys with a gap open. Not in the index above: keys that are counted alike are kept as one there (PostgreSQL).
            record.HasIndex(r => new { r.Closed, r.Cuid });
            // The keys whose PUK may be due, by what makes it so; they are counted without a look at the records.
            record.HasIndex(r => new { r.Status, r.Batch, r.ProfileName }).HasFilter($"\"{nameof(KeyRecord.PukKnownToPerson)}\"");
            record.HasIndex(r => new { r.PukMasterVersion, r.Status, r.Batch, r.ProfileName, r.PukKnownToPerson }).HasFilter(HasPuk(PukMethod.Derived));
            record.HasIndex(r => new { r.PukSetAt, r.Status, r.Batch, r.ProfileName, r.PukKnownToPerson }).HasFilter(HasPuk(PukMethod.Batch));
            record.HasIndex(r => new { r.Batch, r.Cuid });
            record.HasIndex(r => new { r.Status, r.Cuid });
            record.HasIndex(r => r.ProvisionedAt);
            record.HasOne(r => r.Person).WithMany().HasForeignKey(r => r.PersonId).OnDelete(DeleteBehavior.Restrict);
            record.HasMany(r => r.Tokens).WithOne().HasForeignKey(t => t.Cuid).OnDelete(DeleteBehavior.Restrict);
        });
        model.Entity<ProvisioningJob>(job =>
        {
            job.ToTable("provisioning_jobs");
            job.Property(j => j.Id).ValueGeneratedNever();
            job.HasIndex(j => j.Cuid);
            job.HasIndex(j => j.OpenCuid).IsUnique();
            job.HasIndex(j => j.StartedAt);
            job.HasMany(j => j.Steps).WithOne().HasForeignKey(s => s.JobId);
        });
        model.Entity<ProvisioningStep>(step =>
        {
            step.ToTable("provisioning_steps");
            step.HasKey(s => new { s.JobId, s.Ordinal });
        });
        model.Entity<ReadinessDay>(day =>
        {
            day.ToTable("readiness_days");
            day.HasKey(d => new { d.Day, d.Batch, d.Profile });
            day.Property(d => d.Day).ValueGeneratedNever();
        });
        model.Entity<RolloutProfileVersion>(profile =>
        {
            profile.ToTable("profiles");
            profile.HasKey(p => new { p.Name, p.Version });
        });
        model.Entity<RealmPolicy>(policy =>
        {
            policy.ToTable("realm_policies");
            policy.HasKey(p => p.Realm);
            policy.Property(p => p.Version).IsConcurrencyToken();
        });
        model.Entity<ApiKey>(key =>
        {
            key.ToTable("api_keys");
            key.HasIndex(k => k.Hash).IsUnique();
            key.HasIndex(k => k.PreviousHash);
            key.HasIndex(k => k.Name).IsUnique();
        });
        model.Entity<DeskAgent>(agent =>
        {
            agent.ToTable("desk_agents");
            agent.Property(a => a.Id).ValueGeneratedNever();
            agent.HasIndex(a => a.CredentialHash).IsUnique();
            agent.HasIndex(a => a.EnrolmentHash).IsUnique();
        });
        model.Entity<DeskBatch>(batch =>
        {
            batch.ToTable("desk_batches");
            batch.Property(b => b.Id).ValueGeneratedNever();
            batch.HasIndex(b => b.State);
            batch.HasIndex(b => b.CreatedAt);
            batch.HasMany(b => b.Lines).WithOne().HasForeignKey(l => l.BatchId);
        });
        model.Entity<DeskBatchLine>(line =>
        {
            line.ToTable("desk_batch_lines");
            line.HasKey(l => new { l.BatchId, l.Ordinal });
            line.Property(l => l.Ordinal).ValueGeneratedNever();
            line.HasIndex(l => l.Cuid);
        });
        model.Entity<StaffMember>(staff =>
        {
            staff.ToTable("staff");
            staff.HasIndex(s => s.NormalizedUserName).IsUnique();
            staff.Property(s => s.ConcurrencyStamp).IsConcurrencyToken();
            // Of Identity's columns only those the sign-in uses.
            staff.Ignore(s => s.Email).Ignore(s => s.NormalizedEmail).Ignore(s => s.EmailConfirmed)
                .Ignore(s => s.PhoneNumber).Ignore(s => s.PhoneNumberConfirmed).Ignore(s => s.TwoFactorEnabled);
        });
        model.Entity<StaffLink>(link =>
        {
            link.ToTable("staff_links");
            link.HasIndex(l => l.Hash).IsUnique();
            link.HasOne<StaffMember>().WithMany().HasForeignKey(l => l.StaffId);
        });
        model.Entity<IdentityUserPasskey<int>>(passkey =>
        {
            passkey.ToTable("staff_passkeys");
            passkey.HasKey(p => p.CredentialId);
            passkey.Property(p => p.CredentialId).HasMaxLength(1023);
            passkey.HasOne<StaffMember>().WithMany().HasForeignKey(p => p.UserId);
            passkey.Property(p => p.Data).HasConversion(
                data => JsonSerializer.Serialize(data, JsonSerializerOptions.Web), text => JsonSerializer.Deserialize<IdentityPasskeyData>(text, JsonSerializerOptions.Web)!);
        });
        model.Entity<SpentChallenge>(challenge =>
        {
            challenge.ToTable("spent_challenges");
            challenge.HasKey(c => c.Hash);
        });
        model.Entity<CookieKey>().ToTable("cookie_keys");
        model.Entity<Webhook>(hook =>
        {
            hook.ToTable("webhooks");
            hook.HasIndex(h => h.Name).IsUnique();
        });
        model.Entity<AcceptedElsewhere>(code =>
        {
            code.ToTable("accepted_elsewhere");
            code.HasKey(c => new { c.Subject, c.Code });
            code.Property(c => c.Subject).ValueGeneratedNever();
            code.Property(c => c.Code).ValueGeneratedNever();
            code.HasIndex(c => c.At);
        });
        model.Entity<LivesElsewhere>(person =>
        {
            person.ToTable("lives_elsewhere");
            person.HasIndex(p => new { p.Realm, p.NormalizedName, p.IsSerial }).IsUnique();
        });
        model.Entity<RevealAsk>(ask =>
        {
            ask.ToTable("reveal_asks");
            ask.Property(a => a.Id).ValueGeneratedNever();
            ask.HasIndex(a => a.Cuid);
            ask.HasIndex(a => a.ExpiresAt);
        });
        model.Entity<AuditEntry>(entry =>
        {
            entry.ToTable("audit");
            entry.HasKey(e => e.Sequence);
            entry.Property(e => e.Sequence).ValueGeneratedNever();
            entry.HasIndex(e => e.Cuid);
            entry.HasIndex(e => e.Serial);
            entry.HasIndex(e => new { e.Action, e.Sequence });
        });
        model.Entity<ValidationBatch>(batch =>
        {
            batch.ToTable("validation_log");
            batch.HasKey(b => new { b.Node, b.Sequence });
            batch.Property(b => b.Node).HasColumnName("node");
            batch.Property(b => b.Sequence).HasColumnName("sequence");
            batch.Property(b => b.At).HasColumnName("at");
            batch.Property(b => b.Entries).HasColumnName("entries");
            batch.Property(b => b.Mac).HasColumnName("mac");
        });
        model.Entity<AttemptCount>(count =>
        {
            count.ToTable("attempt_counts");
            count.HasKey(c => new { c.Hour, c.Node, c.Kind });
        });
        model.Entity<AttemptsCounted>(place =>
        {
            place.ToTable("attempts_counted");
            place.HasKey(c => c.Node);
            place.Property(c => c.Node).ValueGeneratedNever();
            place.Property(c => c.Sequence).IsConcurrencyToken();
        });
        model.Entity<SealingKey>().ToTable("sealing_keys");
        model.Entity<ServerSecret>(secret =>
        {
            secret.ToTable("server_secrets");
            secret.HasKey(s => new { s.Purpose, s.Version });
        });
    }

    private static string HasPuk(PukMethod method) => $"\"{nameof(KeyRecord.PukMethod)}\" = '{method}'";

    internal sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(
        time => time.ToUnixTimeMilliseconds(),
        milliseconds => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}

/// <summary>The model on SQLite; a type of its own so that its migrations are its own.</summary>
internal sealed class SqliteOathDbContext(DbContextOptions<SqliteOathDbContext> options) : OathDbContext(options);

/// <summary>The model on PostgreSQL; a type of its own so that its migrations are its own.</summary>
internal sealed class PostgreSqlOathDbContext(DbContextOptions<PostgreSqlOathDbContext> options) : OathDbContext(options);
