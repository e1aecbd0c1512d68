namespace OathServer.Tests.Databases;

// The suite of SQLite again, on the other database: nothing in it may hold on one only.

[OnPostgreSql]
public class ValidateTestsOnPostgreSql : Validation.ValidateTests;

[OnPostgreSql]
public class PinTestsOnPostgreSql : Validation.Pins.PinTests;

[OnPostgreSql]
public class PinImportTestsOnPostgreSql : Import.PinImportTests;

[OnPostgreSql]
public class ResyncTestsOnPostgreSql : Validation.ResyncTests;

[OnPostgreSql]
public class FirstUseTestsOnPostgreSql : Validation.FirstUseTests;

[OnPostgreSql]
public class ThrottleTestsOnPostgreSql : Validation.ThrottleTests;

[OnPostgreSql]
public class RealmPolicyTestsOnPostgreSql : Validation.RealmPolicyTests;

[OnPostgreSql]
public class AttemptFiguresTestsOnPostgreSql : Validation.AttemptFiguresTests;

[OnPostgreSql]
public class PagesTestsOnPostgreSql : Operations.PagesTests;

[OnPostgreSql]
public class TokensTestsOnPostgreSql : Tokens.TokensTests;

[OnPostgreSql]
public class PskcImportTestsOnPostgreSql : Import.PskcImportTests;

[OnPostgreSql]
public class UploadTestsOnPostgreSql : Import.UploadTests;

[OnPostgreSql]
public class SeedFileTestsOnPostgreSql : Import.SeedFileTests;

[OnPostgreSql]
public class UndoTestsOnPostgreSql : Import.UndoTests;

[OnPostgreSql]
public class ExportTestsOnPostgreSql : Import.ExportTests;

[OnPostgreSql]
public class ProvisioningTestsOnPostgreSql : Provisioning.ProvisioningTests;

[OnPostgreSql]
public class ReadinessTestsOnPostgreSql : Readiness.ReadinessTests;

[OnPostgreSql]
public class DuePuksTestsOnPostgreSql : Readiness.DuePuksTests;

[OnPostgreSql]
public class ListOrderTestsOnPostgreSql : Operations.ListOrderTests;

[OnPostgreSql]
public class RecordsTestsOnPostgreSql : Records.RecordsTests;

[OnPostgreSql]
public class AuditTestsOnPostgreSql : Audit.AuditTests;

[OnPostgreSql]
public class AccessTestsOnPostgreSql : Access.AccessTests;

[OnPostgreSql]
public class ParallelRunTestsOnPostgreSql : Interop.ParallelRunTests;

[OnPostgreSql]
public class SecondPersonTestsOnPostgreSql : Records.SecondPersonTests;

[OnPostgreSql]
public class PurgeTestsOnPostgreSql : Records.PurgeTests;
